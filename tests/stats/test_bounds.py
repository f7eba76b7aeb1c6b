"""Bounds of rates, quantiles and means, against scipy."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, quantile_test, ttest_1samp

from evalkit.stats import Rate
from evalkit.stats.bounds import exact_bounds, least_for_rate, mean_bounds, quantile_bounds

counts = st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.01, 0.05, 0.1]))
def test_rates_agree_with_scipy(found: tuple[int, int], alpha: float) -> None:
    """Clopper and Pearson's: each end one-sided."""
    passed, n = found
    bounds = exact_bounds(Rate(passed, n), alpha)
    expected = binomtest(passed, n).proportion_ci(1 - 2 * alpha, method="exact")
    assert bounds is not None
    assert (bounds.low, bounds.high) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize(("floor", "alpha", "least"), [(0.9, 0.05, 29), (0.95, 0.05, 59), (0.95, 0.01, 90)])
def test_the_fewest_that_show_a_rate(floor: float, alpha: float, least: int) -> None:
    """If all pass, so many do, and one less does not."""
    assert least_for_rate(floor, alpha) == least
    for n, shown in ((least, True), (least - 1, False)):
        bounds = exact_bounds(Rate(n, n), alpha)
        assert bounds is not None
        assert (bounds.low >= floor) == shown


def test_no_number_shows_certainty() -> None:
    """100% cannot be shown, more than nothing can at once."""
    assert least_for_rate(1.0, 0.05) is None
    assert least_for_rate(0.0, 0.05) == 1
    assert exact_bounds(Rate(0, 0), 0.05) is None


@given(
    st.lists(st.integers(0, 10**6), min_size=1, max_size=200, unique=True),
    st.sampled_from([0.5, 0.9, 0.95]),
    st.sampled_from([0.05, 0.025]),
)
def test_quantiles_agree_with_scipy(values: list[int], share: float, alpha: float) -> None:
    """The ends of scipy's interval of a quantile; where it has none, the sample is too small for one."""
    ordered = [float(value) for value in sorted(values)]
    low, high = quantile_bounds(ordered, share, alpha)
    expected = quantile_test(ordered, p=share).confidence_interval(1 - 2 * alpha)
    assert (low is None) == (expected.low != expected.low)
    assert (high is None) == (expected.high != expected.high)
    if low is not None:
        assert binom.cdf(ordered.index(low), len(ordered), share) <= alpha
    if high is not None:
        assert binom.sf(ordered.index(high), len(ordered), share) <= alpha + 1e-12
        assert high <= expected.high


def test_the_95th_percentile_takes_59() -> None:
    """Below that, not even the greatest is surely above it."""
    assert quantile_bounds([1.0] * 58, 0.95, 0.05)[1] is None
    assert quantile_bounds([1.0] * 59, 0.95, 0.05)[1] == 1.0
    assert quantile_bounds([], 0.5, 0.05) == (None, None)


@given(st.lists(st.floats(0, 1000).map(lambda value: round(value, 3)), min_size=3, max_size=60))
def test_means_agree_with_scipy(values: list[float]) -> None:
    """Student's t, each end one-sided; none below two values."""
    bounds = mean_bounds(values, 0.05)
    assert bounds is not None
    if len(set(values)) > 1:
        expected = ttest_1samp(values, 0).confidence_interval(0.9)
        assert (bounds.low, bounds.high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert mean_bounds(values[:1], 0.05) is None
