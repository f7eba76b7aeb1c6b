"""Whether one suite became worse: the gate's tests, on two runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.comparison.changes import Answers, Side
from evalkit.gate.regression import SuiteChange, suite_change
from evalkit.stats import Pairs, Rate, tango
from evalkit.stats.mcnemar import mcnemar
from evalkit.stats.noninferiority import exact_p

Outcomes = Sequence[Sequence[bool | None]]
"""By case: what its repeats came to."""


def side(cases: Outcomes, latency_ms: float = 100.0) -> Side:
    """One run's answers to cases 0, 1, 2 and so on."""
    made = Side()
    for number, outcomes in enumerate(cases):
        answers = Answers(7, outcomes.count(True), outcomes.count(False), outcomes.count(None))
        for passed in outcomes:
            answers.score.add(None if passed is None else float(passed))
            answers.latency_ms.add(latency_ms + number)
        made.cases[str(number)] = answers
    return made


def compared(before: Outcomes, now: Outcomes, groups: Mapping[str, str] | None = None) -> SuiteChange:
    """At a one-sided alpha of 0.05."""
    return suite_change("cities", ("ft", side(before)), ("ft", side(now)), groups or {}, 0.05)


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=60))
def test_single_answers_are_tested_as_the_gate_does(outcomes: list[tuple[bool, bool]]) -> None:
    """Exact one-sided p-values with a margin of 0, McNemar's, Tango's interval, of the same counts."""
    found = compared([[old] for old, _ in outcomes], [[new] for _, new in outcomes])
    pairs = Pairs(len(outcomes), outcomes.count((False, True)), outcomes.count((True, False)))
    assert found.pairs == pairs
    assert (found.p.worse, found.p.better) == (exact_p(pairs.swapped, 0.0), exact_p(pairs, 0.0))
    assert found.p.worse_if_failed == found.p.worse
    assert found.p.alike == mcnemar(pairs)
    assert found.interval == tango(pairs, 0.95)
    assert found.score is not None
    assert found.score.difference == pytest.approx(pairs.difference)


@pytest.mark.parametrize(
    ("lost", "won", "state"),
    [(12, 1, "worse"), (1, 12, "better"), (5, 4, "open"), (0, 0, "open"), (2, 0, "open"), (3, 0, "worse")],
)
def test_what_is_shown_is_said(lost: int, won: int, state: str) -> None:
    """At alpha 0.05: three lost and none won are the least that show a loss."""
    before = [[True]] * lost + [[False]] * won + [[True]] * 40
    now = [[False]] * lost + [[True]] * won + [[True]] * 40
    assert compared(before, now).state == state


def test_repeats_are_one_case() -> None:
    """20 answers to one case that changed are one case's, however many; rates count every answer."""
    found = compared([[True] * 20, [True], [True]], [[False] * 20, [True], [True, False]])
    assert (found.pairs.n, found.unit) == (3, "case")
    assert found.difference == pytest.approx(fmean([-1, 0, -0.5]))
    assert (found.passed_before, found.passed_now) == (Rate(22, 22), Rate(2, 23))
    assert found.state == "open"
    assert found.p.alike == mcnemar(Pairs(3, 0, 2))


def test_cases_of_a_group_are_one() -> None:
    """Ten cases of one group that all changed show nothing; ten that stand alone do."""
    before, now = [[True]] * 30, [[False]] * 10 + [[True]] * 20
    alone, together = compared(before, now), compared(before, now, {str(number): "g" for number in range(10)})
    assert (alone.state, together.state) == ("worse", "open")
    assert (together.pairs.n, together.unit) == (21, "group")
    assert together.score is not None
    assert together.score.n == 30


@pytest.mark.parametrize(
    ("missing", "state"), [(1, "open"), (8, "unknown")], ids=["too few to matter", "enough to matter"]
)
def test_what_is_missing_now_is_no_failure_but_no_excuse(missing: int, state: str) -> None:
    """Null answers and cases that were not asked are in no rate; where their failure would show a loss, it is
    said."""
    before = [[True]] * 60
    null, unasked = (missing + 1) // 2, missing // 2
    found = compared(before, [[None]] * null + [[True]] * (60 - null - unasked))
    assert (found.passed_now, found.difference) == (Rate(60 - missing, 60 - missing), 0.0)
    assert found.p.worse == 1.0
    assert found.state == state


def test_nothing_in_common_shows_nothing() -> None:
    """No rate, no interval, no difference."""
    found = suite_change("cities", ("ft", Side()), ("ft", side([[True]])), {}, 0.05)
    assert (found.difference, found.interval, found.score, found.passed_now.n) == (None, None, None, 0)
    assert (found.p.worse, found.p.alike) == (1.0, 1.0)


def test_a_constant_shift_is_itself() -> None:
    """Latencies that all rose by 20 ms rose by 20 ms; unknown costs are no cost."""
    one, other = side([[True]] * 5, 100.0), side([[True]] * 5, 120.0)
    found = suite_change("cities", ("ft", one), ("ft", other), {}, 0.05)
    assert found.latency_ms is not None
    assert found.latency_ms.interval is not None
    assert (found.latency_ms.interval.low, found.latency_ms.interval.high) == (20.0, 20.0)
    assert (found.latency_ms.before, found.latency_ms.now, found.latency_ms.n) == (102.0, 122.0, 5)
    assert found.cost_usd is None
