"""Differences of rates that a judge read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta, binom

from evalkit.stats import Pairs, Rate
from evalkit.stats.correction import Accuracy
from evalkit.stats.judged import JudgedPairs, corrected_difference, judged_bounds, judged_noninferior_p
from tests.benchmarks.judged_errors import ALPHA, POINTS, SURE, Point, wrongly_shipped

PERFECT = Accuracy(Rate(1_000_000, 1_000_000), Rate(1_000_000, 1_000_000))
GOOD = Accuracy(Rate(285, 300), Rate(270, 300))

rates = st.integers(2, 200).flatmap(lambda n: st.builds(Rate, st.integers(0, n), st.just(n)))


@pytest.mark.parametrize("n", [20, 59, 200])
def test_behind_a_perfect_judge_cases_that_agree_show_what_they_show_without(n: int) -> None:
    """A candidate that loses 5 points loses none of n cases in 0.95^n: 59 cases are enough for alpha 0.05."""
    judged = JudgedPairs(Pairs(n, 0, 0), n, PERFECT, PERFECT)
    assert judged_noninferior_p(judged, 0.05) == pytest.approx(0.95**n, abs=0.003)


@pytest.mark.parametrize(("n", "lost"), [(120, 1), (120, 6), (300, 9), (1000, 40)])
def test_behind_a_perfect_judge_it_is_the_exact_bound_of_what_is_lost(n: int, lost: int) -> None:
    """Where nothing is won, that is Clopper and Pearson's of the cases lost."""
    judged = JudgedPairs(Pairs(n, 0, lost), n - lost, PERFECT, PERFECT)
    found = corrected_difference(judged, 0.9)
    assert found is not None
    assert found.value == pytest.approx(-lost / n)
    assert found.interval.low == pytest.approx(-beta.ppf(0.95, lost + 1, n - lost), abs=0.002)
    assert judged_noninferior_p(judged, 0.05) == pytest.approx(binom.cdf(lost, n, 0.05), abs=0.003)


def test_labels_count_as_much_as_cases() -> None:
    """Equal candidates on 2,000 cases: 60 labelled answers of each kind and side show nothing, 2,000 do."""
    few, many = (Accuracy(Rate(19 * n // 20, n), Rate(9 * n // 10, n)) for n in (60, 2000))
    pairs, passed = Pairs(2000, 100, 100), 1700
    assert judged_noninferior_p(JudgedPairs(pairs, passed, few, few), 0.05) > 0.05
    assert judged_noninferior_p(JudgedPairs(pairs, passed, many, many), 0.05) < 0.01


def test_a_judge_that_favours_the_candidate_is_seen_through() -> None:
    """It passes 90% of both; of the candidate's bad answers it lets half pass, of the baseline's none."""
    fond, strict = Accuracy(Rate(2000, 2000), Rate(1000, 2000)), Accuracy(Rate(2000, 2000), Rate(2000, 2000))
    judged = JudgedPairs(Pairs(1000, 50, 50), 900, fond, strict)
    found = corrected_difference(judged)
    assert found is not None
    assert found.value == pytest.approx(0.8 - 0.9)
    assert judged_noninferior_p(judged, 0.05) > 0.9
    assert judged_noninferior_p(judged.swapped, 0) < 0.01


@pytest.mark.parametrize(
    "judged",
    [
        JudgedPairs(Pairs(1, 0, 0), 1, GOOD, GOOD),
        JudgedPairs(Pairs(100, 0, 0), 100, Accuracy(Rate(9, 9), Rate(0, 0)), GOOD),
        JudgedPairs(Pairs(100, 0, 0), 100, GOOD, Accuracy(Rate(30, 60), Rate(30, 60))),
    ],
)
def test_nothing_is_shown_where_a_side_is_unknown(judged: JudgedPairs) -> None:
    """A single case, a kind of answers without labels, a judge that throws a coin."""
    assert corrected_difference(judged) is None
    assert judged_noninferior_p(judged, 0.05) == 1


@settings(max_examples=10, deadline=None)
@given(st.tuples(*[st.integers(0, 60)] * 4).filter(lambda cells: sum(cells) > 1), rates, rates, rates, rates)
def test_the_interval_holds_the_estimate(
    cells: tuple[int, int, int, int], tpr: Rate, tnr: Rate, other_tpr: Rate, other_tnr: Rate
) -> None:
    """Whatever the counts, within [-1, 1], and the same each time; swapped sides turn it round."""
    both, won, lost, neither = cells
    pairs = Pairs(both + won + lost + neither, won, lost)
    judged = JudgedPairs(pairs, both + won, Accuracy(tpr, tnr), Accuracy(other_tpr, other_tnr))
    found, swapped = corrected_difference(judged), corrected_difference(judged.swapped)
    assert found == corrected_difference(judged)
    if found is None or swapped is None:
        assert found is swapped is None
    else:
        assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1
        assert swapped.interval.low == pytest.approx(-found.interval.high)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
def test_a_worse_candidate_is_shipped_no_more_often_than_alpha_says(point: Point) -> None:
    """At a true difference of exactly -margin, judged as badly as it may be: at most 5%, as far as 1,000
    simulated runs tell."""
    found = wrongly_shipped(point, runs=1000)
    assert found <= ALPHA + SURE * (ALPHA * (1 - ALPHA) / 1000) ** 0.5


def test_bounds_behind_a_perfect_judge_are_clopper_and_pearsons() -> None:
    """Of 114 passed of 120, each end wrong in 5%."""
    found = judged_bounds(114, 120, PERFECT, 0.05)
    assert found is not None
    assert found.low == pytest.approx(beta.ppf(0.05, 114, 7), abs=0.002)
    assert found.high == pytest.approx(beta.ppf(0.95, 115, 6), abs=0.002)


def test_bounds_hold_where_lang_and_reiczigels_do_not() -> None:
    """A lenient judge, 20 labels of each kind: the lower bound lies above the true rate of 0.7 in no more
    than 5% of 1,000 samples; that of the published interval does in 6.7%."""
    rng, n, labels, wrong = np.random.default_rng(1), 1000, 20, 0
    for _ in range(1000):
        passed = rng.binomial(n, 0.7 * 0.99 + 0.3 * 0.25)
        accuracy = Accuracy(
            Rate(int(rng.binomial(labels, 0.99)), labels), Rate(int(rng.binomial(labels, 0.75)), labels)
        )
        found = judged_bounds(int(passed), n, accuracy, 0.05, draws=1000)
        assert found is not None
        wrong += found.low > 0.7
    assert wrong <= 1000 * 0.05


def test_bounds_need_both_kinds_of_labels() -> None:
    """Without failing answers there is no lower bound to speak of, so none is given."""
    assert judged_bounds(100, 120, Accuracy(Rate(60, 60), Rate(0, 0)), 0.05) is None
    assert judged_bounds(1, 1, GOOD, 0.05) is None
