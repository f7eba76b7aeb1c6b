"""Suites with known outcomes, as records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from evalkit.gate.counts import count
from evalkit.gate.decide import decide
from evalkit.gate.judges import Judged
from evalkit.gate.model import Decision, Terms
from evalkit.run.gating import Gating
from evalkit.run.records import Record
from evalkit.run.rows import row_of

MakeRecord = Callable[..., Record]
SUITE = "cities"

Outcome = tuple[bool | None, bool | None]
"""Whether candidate and baseline passed a check; None is a verdict that could not be read."""


def gating(**changes: Any) -> Gating:
    """A rule with one check, called short."""
    rule = {"candidate": "ft", "baseline": "prompted", "margin": 0.05, "alpha": 0.05, "inconclusive": "fail"}
    return Gating(**{**rule, "require": {}, "checks": ("short",), **changes})


def table(n: int, won: int = 0, lost: int = 0) -> list[Outcome]:
    """So many cases that the candidate alone, and that the baseline alone passed; both passed the others."""
    return [(True, False)] * won + [(False, True)] * lost + [(True, True)] * (n - won - lost)


def records(make_record: MakeRecord, *checks: Iterable[Outcome], **fields: Any) -> list[Record]:
    """The records of both variants; each of `checks` is one check's outcomes, case by case."""
    found = []
    for number, outcomes in enumerate(zip(*checks, strict=True)):
        for side, variant in enumerate(("ft", "prompted")):
            verdicts = [outcome[side] for outcome in outcomes]
            found.append(make_record(f"c{number}", variant, *verdicts, **fields))
    return found


def decided(
    found: Iterable[Record],
    rule: Gating | None = None,
    *,
    leaked: Iterable[str] = (),
    planned: int = 0,
    repeat: int = 1,
    level: float = 0.05,
    judged: Mapping[str, Judged] | None = None,
) -> Decision:
    """The decision on these records."""
    rule = rule or gating()
    rows = [row_of(record) for record in found]
    counts = count(rows, {SUITE: rule}, {SUITE: set(leaked)}, repeat)[SUITE]
    counts.finish(planned)
    terms = Terms(rule.margin, level, rule.alpha, ("spent",) if not level else (), judged or {})
    return decide(SUITE, counts, terms)
