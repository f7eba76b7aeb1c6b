"""Two runs of one suite -> is the newer one worse? By the tests of the gate, with a margin of 0."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from evalkit.comparison.changes import Answers, Changes, Matched, Side, Sum, changes, matched
from evalkit.gate.endpoints import interval, noninferior_p, worse_p
from evalkit.gate.views import Missing, Unit, View
from evalkit.stats import Interval, Pairs, Rate
from evalkit.stats.bootstrap import paired_bootstrap
from evalkit.stats.mcnemar import mcnemar

CONFIDENCE = 0.95

Key = str | tuple[str]
"""What is drawn together: a case by its id, or a group."""

_EMPTY = Unit(0, 0, 0, 0)

_NOTHING = Answers(question=0, unknown=1)
"""In place of the newer run's answers to a case that it was not asked."""

Groups = Mapping[str, str]
"""By case: cases that hang together."""

State = Literal["worse", "better", "unknown", "open"]


@dataclass(frozen=True, slots=True)
class Shift:
    """A mean, measured on the same cases before and now.

    Attributes:
        interval: of the difference, 95%, by the paired bootstrap. n: cases for which it is known both times.
    """

    before: float
    now: float
    interval: Interval | None
    n: int

    @property
    def difference(self) -> float:
        """Now less before."""
        return self.now - self.before


@dataclass(frozen=True, slots=True)
class PValues:
    """How likely what was seen is, if nothing became worse, or better, or if both are alike.

    Attributes:
        worse, better: one-sided, exact, as the gate's. alike: two-sided, McNemar's.
        worse_if_failed: `worse`, if what is missing or undecided now had failed.
    """

    worse: float
    better: float
    alike: float
    worse_if_failed: float


@dataclass(frozen=True, slots=True)
class SuiteChange:
    """What became of one suite.

    Attributes:
        before, now: the variants that are compared.
        passed_before, passed_now: of the decided answers to the cases that are compared.
        pairs: what the tests count: each a case with all its repeats, or a group of cases (`unit`).
        interval: of the difference in pass rates, 95%; None where there is not enough for one.
        p: as tested; where several suites are compared `worse` and `better` are corrected for it.
        alpha: one-sided, the suite's own.
        score: mean score of all checks. cost_usd: of one answer. latency_ms: of answers that were not cached.
    """

    suite: str
    before: str
    now: str
    changes: Changes
    passed_before: Rate
    passed_now: Rate
    pairs: Pairs
    unit: Literal["case", "group"]
    interval: Interval | None
    p: PValues
    alpha: float
    score: Shift | None
    cost_usd: Shift | None
    latency_ms: Shift | None

    @property
    def difference(self) -> float | None:
        """In pass rates, now less before; None of nothing."""
        return self.pairs.difference if self.pairs.n else None

    @property
    def state(self) -> State:
        """What is shown at `alpha`; "unknown" where it would be worse if what is missing had failed."""
        if self.p.worse <= self.alpha:
            return "worse"
        if self.p.worse_if_failed <= self.alpha:
            return "unknown"
        return "better" if self.p.better <= self.alpha else "open"

    @property
    def within_noise(self) -> bool:
        """Whether nothing is shown of what differs, and the variant differs from itself by as much."""
        floor = self.changes.noise.floor.share if self.changes.noise else None
        if self.state != "open" or floor is None or not self.difference:
            return False
        return abs(self.difference) <= floor


def suite_change(
    suite: str, before: tuple[str, Side], now: tuple[str, Side], groups: Groups, alpha: float
) -> SuiteChange:
    """Compare two sides of a suite.

    Args:
        before, now: the variant, and what it answered.
        groups: cases that hang together count as one.
        alpha: one-sided.
    """
    same = matched(before[1], now[1])
    found = changes(before[1], now[1])
    seen = _view(same, groups, "left out")
    gone = {case: (before[1].cases[case], _NOTHING) for case in found.gone}
    return SuiteChange(
        suite=suite,
        before=before[0],
        now=now[0],
        changes=found,
        passed_before=_rate(old for old, new in _decided(same)),
        passed_now=_rate(new for old, new in _decided(same)),
        pairs=seen.pairs,
        unit="group" if groups else "case",
        interval=interval(seen, (1 - CONFIDENCE) / 2) if seen.n else None,
        p=_p_values(seen, _view({**same, **gone}, groups, "against")),
        alpha=alpha,
        score=_shift(same, groups, lambda answers: answers.score),
        cost_usd=_shift(same, groups, lambda answers: answers.cost_usd),
        latency_ms=_shift(same, groups, lambda answers: answers.latency_ms),
    )


def _p_values(seen: View, against: View) -> PValues:
    turned = seen.differences if seen.clustered else ()
    signs = Pairs(len(turned), sum(each > 0 for each in turned), sum(each < 0 for each in turned))
    return PValues(
        worse=worse_p(seen),
        better=noninferior_p(seen, 0.0),
        alike=mcnemar(signs if seen.clustered else seen.pairs),
        worse_if_failed=worse_p(against),
    )


def _decided(same: Matched) -> Iterable[tuple[Answers, Answers]]:
    return (pair for pair in same.values() if all(each.rate.n for each in pair))


def _rate(found: Iterable[Answers]) -> Rate:
    rates = [answers.rate for answers in found]
    return Rate(sum(rate.passed for rate in rates), sum(rate.n for rate in rates))


def _view(same: Matched, groups: Groups, missing: Missing) -> View:
    """Each answer of now against each answer of before to the same case, so that repeats need not be equal
    in number."""
    clustered = bool(groups) or any(each.n > 1 for pair in same.values() for each in pair)
    units: dict[Key, Unit] = {}
    for case, pair in same.items():
        key = _key(case, groups) if clustered else ""
        units[key] = _joined(units.get(key, _EMPTY), _crossed(*pair, missing))
    return View(tuple(unit for unit in units.values() if unit.n), clustered)


def _key(case: str, groups: Groups) -> Key:
    group = groups.get(case)
    return case if group is None else (group,)


def _crossed(before: Answers, now: Answers, missing: Missing) -> Unit:
    """What is unknown is left out, or passed before and failed now."""
    against = missing == "against"
    old_passed = before.passed + before.unknown * against
    old, new = old_passed + before.failed, now.rate.n + now.unknown * against
    won, lost = now.passed * (old - old_passed), (new - now.passed) * old_passed
    return Unit(old * new, won, lost, now.passed * old)


def _joined(one: Unit, other: Unit) -> Unit:
    return Unit(one.n + other.n, one.won + other.won, one.lost + other.lost, one.passed + other.passed)


def _shift(same: Matched, groups: Groups, of: Callable[[Answers], Sum]) -> Shift | None:
    """Of the cases for which both means are known; a group of cases counts as their mean."""
    before, now = Sum(), Sum()
    units: defaultdict[Key, Sum] = defaultdict(Sum)
    for case, (old, new) in same.items():
        known = of(old).mean, of(new).mean
        if known[0] is not None and known[1] is not None:
            before.add(known[0])
            now.add(known[1])
            units[_key(case, groups)].add(known[1] - known[0])
    if before.mean is None or now.mean is None:
        return None
    differences = [unit.mean for unit in units.values() if unit.mean is not None]
    return Shift(before.mean, now.mean, paired_bootstrap(differences, CONFIDENCE), before.n)
