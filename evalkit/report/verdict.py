"""The gate's decisions, as every format words them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.gate import SPOKEN, Decision, Decisions


@dataclass(frozen=True, slots=True)
class Verdict:
    """One line: SHIP, DON'T SHIP, INCONCLUSIVE or NOT GATED, of a suite or of all, and the evidence."""

    word: str
    suite: str
    reason: str


def verdicts(gate: Decisions | None) -> Iterator[Verdict]:
    """A line a suite, and one of all where there are several; nothing without a gate."""
    if gate is None:
        return
    if gate.undecided:
        yield Verdict("NOT GATED", "", f"{gate.undecided}.")
        return
    for decision in gate.suites:
        yield Verdict(SPOKEN[decision.word], decision.suite, " ".join((decision.reason, *_labels(decision))))
    if len(gate.suites) > 1 and gate.word:
        yield Verdict(SPOKEN[gate.word], "all", _together(gate))


def _labels(decision: Decision) -> Iterator[str]:
    """Those that the reason does not tell; and what was counted against the candidate."""
    if decision.unknown and decision.without_unknown == decision.word:
        yield f"({decision.unknown} unknown of {decision.pairs:,}, counted against {decision.candidate}.)"
    yield from (f"[{label}]" for label in decision.labels if label not in decision.reason)


def _together(gate: Decisions) -> str:
    """`4 of 7 suites ship; inconclusive: marv, terse; not to be shipped: handbook.`"""
    shipped = sum(decision.word == "ship" for decision in gate.suites)
    parts = [f"{shipped} of {len(gate.suites)} suites ship"]
    for word, told in (("inconclusive", "inconclusive"), ("dont_ship", "not to be shipped")):
        if names := [decision.suite for decision in gate.suites if decision.word == word]:
            parts.append(f"{told}: {', '.join(names)}")
    return f"{'; '.join(parts)}."
