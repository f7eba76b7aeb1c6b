"""Rates corrected for a judge's errors, against statsmodels, by a second calculation, and by simulation."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from evalkit.stats import Rate
from evalkit.stats.correction import (
    Observed,
    Trust,
    corrected,
    corrected_difference,
    corrected_p,
)

PERFECT = Trust(Rate(10**9, 10**9), Rate(10**9, 10**9))


def trust(tpr: float, tnr: float, n: int) -> Trust:
    """A judge with these rates, on `n` labels of each kind."""
    return Trust(Rate(round(tpr * n), n), Rate(round(tnr * n), n))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_perfect_judge_corrects_nothing(counts: tuple[int, int]) -> None:
    """What is left is the interval of Agresti and Coull, as statsmodels has it."""
    passed, n = counts
    found = corrected(Observed(passed / n, n), PERFECT)
    assert found is not None
    low, high = proportion_confint(passed, n, 0.05, method="agresti_coull")
    assert (found.interval.low, found.interval.high) == pytest.approx((low, high), abs=1e-6)
    assert found.value == pytest.approx(passed / n, abs=1e-6)


def test_lang_and_reiczigel_s_equations() -> None:
    """Their equations 6, 7, 16 and 17, written down once more: 60 of 120, TPR 90 of 100, TNR 80 of 100."""
    z = norm.ppf(0.975)
    n, p = 120 + z**2, (60 + z**2 / 2) / (120 + z**2)
    se, sp = 91 / 102, 81 / 102
    prevalence = (p + sp - 1) / (se + sp - 1)
    shift = 2 * z**2 * (prevalence * se * (1 - se) / 102 - (1 - prevalence) * sp * (1 - sp) / 102)
    variance = (
        p * (1 - p) / n + prevalence**2 * se * (1 - se) / 102 + (1 - prevalence) ** 2 * sp * (1 - sp) / 102
    )
    half = z * sqrt(variance) / (se + sp - 1)
    found = corrected(Observed(0.5, 120), trust(0.9, 0.8, 100))
    assert found is not None
    assert found.value == pytest.approx(0.3 / 0.7)
    assert found.interval.low == pytest.approx(prevalence + shift - half)
    assert found.interval.high == pytest.approx(prevalence + shift + half)


@given(st.floats(0.6, 1), st.floats(0.6, 1), st.floats(0, 1), st.integers(5, 400), st.integers(5, 400))
def test_a_correction_lies_in_its_interval(tpr: float, tnr: float, share: float, labels: int, n: int) -> None:
    """Both within [0, 1], and never without width."""
    found = corrected(Observed(share, n), trust(tpr, tnr, labels))
    if found is not None:
        assert 0 <= found.interval.low <= found.interval.high <= 1
        assert 0 <= found.value <= 1


@pytest.mark.parametrize(
    "known",
    [
        trust(0.5, 0.5, 100),
        trust(0.2, 0.6, 100),
        Trust(Rate(0, 0), Rate(9, 9)),
        Trust(Rate(9, 9), Rate(0, 0)),
    ],
)
def test_a_judge_that_knows_nothing_corrects_nothing(known: Trust) -> None:
    """No better than chance, or without labels of a kind: nothing can be said, and nothing is shown."""
    assert corrected(Observed(0.9, 100), known) is None
    side = (Observed(0.9, 100), known)
    assert corrected_difference(side, side) is None
    assert corrected_p(side, side, 0.05) == 1


def test_the_index_has_an_interval() -> None:
    """TPR + TNR - 1 of 90 and 80 of 100: 0.70, and as wide as both intervals together; None of one label."""
    interval = trust(0.9, 0.8, 100).youden_interval()
    assert interval is not None
    assert trust(0.9, 0.8, 100).youden == pytest.approx(0.7)
    assert (interval.low, interval.high) == pytest.approx((0.584, 0.780), abs=1e-3)
    assert Trust(Rate(1, 1), Rate(9, 10)).youden_interval() is None


def test_the_p_value_is_the_interval_s() -> None:
    """At that level the lower end stands at the margin."""
    sides = (Observed(0.85, 300), trust(0.95, 0.9, 200)), (Observed(0.84, 300), trust(0.95, 0.9, 200))
    p = corrected_p(*sides, 0.05)
    found = corrected_difference(*sides, 1 - 2 * p)
    assert found is not None
    assert found.interval.low == pytest.approx(-0.05, abs=1e-3)


@pytest.mark.parametrize(
    ("tpr", "tnr", "labels", "n", "truth"),
    [
        (0.95, 0.9, 100, 200, 0.85),
        (0.9, 0.9, 50, 200, 0.98),
        (0.9, 0.7, 80, 400, 0.85),
        (0.9, 0.8, 30, 128, 1.0),
    ],
)
def test_a_worse_candidate_is_let_through_in_alpha_at_most(
    tpr: float, tnr: float, labels: int, n: int, truth: float
) -> None:
    """1,500 times a candidate truly worse by the margin, a judge that errs, and labels drawn anew."""
    rng, runs, wrong = np.random.default_rng(7), 1500, 0
    for _ in range(runs):
        sides = []
        for passing in (truth - 0.05, truth):
            known = Trust(
                Rate(int(rng.binomial(labels, tpr)), labels), Rate(int(rng.binomial(labels, tnr)), labels)
            )
            seen = passing * tpr + (1 - passing) * (1 - tnr)
            sides.append((Observed(rng.binomial(n, seen) / n, n), known))
        found = corrected_difference(sides[0], sides[1], 0.9)
        wrong += found is not None and found.interval.low >= -0.05
    assert wrong / runs <= 0.05 + 3.3 * sqrt(0.05 * 0.95 / runs)
