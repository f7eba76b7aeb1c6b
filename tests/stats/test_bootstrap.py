"""The paired bootstrap, against scipy."""

from __future__ import annotations

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from evalkit.stats import Interval
from evalkit.stats.bootstrap import BOOTSTRAP_UP_TO, paired_bootstrap

PLAIN = st.floats(-1e300, 1e300, allow_nan=False)


@pytest.mark.parametrize("seed", range(3))
def test_the_bootstrap_agrees_with_scipy(seed: int) -> None:
    """Skewed differences: scipy's BCa interval to within what its own draws vary."""
    drawn = np.random.default_rng(seed).lognormal(size=80)
    expected = bootstrap((drawn,), np.mean, method="BCa", rng=np.random.default_rng(99)).confidence_interval
    found = paired_bootstrap(list(drawn), seed=seed)
    assert found is not None
    width = expected.high - expected.low
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.04 * width)


def test_the_same_seed_gives_the_same_interval() -> None:
    """So a report can be made again."""
    values = [0.1, 0.5, -0.2, 0.9, 0.3]
    assert paired_bootstrap(values, seed=1) == paired_bootstrap(values, seed=1)
    assert paired_bootstrap(values, seed=1) != paired_bootstrap(values, 0.5, seed=1)


@pytest.mark.parametrize(
    ("values", "interval"),
    [([], None), ([3.0], None), ([0.0] * 5, Interval(0.0, 0.0)), ([0.1] * 7, Interval(0.1, 0.1))],
)
def test_nothing_to_draw_from(values: list[float], interval: Interval | None) -> None:
    """Below two differences there is no interval; where all are alike it is that value, without a warning."""
    assert paired_bootstrap(values) == interval


@settings(max_examples=30, deadline=None)
@given(st.lists(PLAIN, min_size=2, max_size=30))
def test_any_differences_have_an_interval(values: list[float]) -> None:
    """However large, small or nearly alike they are: finite, in order, and within the data."""
    found = paired_bootstrap(values)
    assert found is not None
    slack = 1e-12 * max(abs(value) for value in values)
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack


def test_of_many_differences_student_s_t_says_the_same() -> None:
    """Where the draws would take seconds: the ends lie within a twentieth of the interval's width."""
    values = list(np.random.default_rng(5).exponential(size=BOOTSTRAP_UP_TO + 1))
    many, fewer = paired_bootstrap(values), paired_bootstrap(values[:-1])
    assert many is not None
    assert fewer is not None
    width = fewer.high - fewer.low
    assert (many.low, many.high) == pytest.approx((fewer.low, fewer.high), abs=0.05 * width)
    assert many.low < fmean(values) < many.high
