"""The gate's decisions, as every format words them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from evalkit.gate import SPOKEN, Decision, Decisions
from evalkit.numbers import UNKNOWN, difference, differences


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


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was shown of one check, or of one figure that the suite requires; all as text.

    Attributes:
        cells: difference in points, its interval, cases won and lost; of a requirement, what was found and
            how far it is shown in place of the first two.
        state: in words.
    """

    name: str
    cells: tuple[str, str, str, str]
    state: str


STATES = {"noninferior": "not worse", "worse": "worse", "open": "not shown", "met": "met", "missed": "missed"}


def evidence(decision: Decision) -> Iterator[Evidence]:
    """A line a check, then a line a requirement."""
    for each in decision.endpoints:
        counts = (f"{each.pairs.won:g}", f"{each.pairs.lost:g}")
        state = each.note or STATES[each.state]
        yield Evidence(each.name, (difference(each.difference), differences(each.interval), *counts), state)
    for floor in decision.floors:
        name = f"{floor.name}, required {floor.limit:g}"
        found = (UNKNOWN if value is None else f"{value:.4g}" for value in (floor.value, floor.bound))
        value, bound = found
        yield Evidence(name, (value, f"sure of {bound}", "", ""), STATES[floor.state])


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
