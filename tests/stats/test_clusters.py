"""Groups of answers, against scipy's t, and never narrower than single cases."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student
from scipy.stats import ttest_1samp

from evalkit.stats import Pairs, tango
from evalkit.stats.clusters import cluster_interval, cluster_pairs, t_p

means = st.lists(
    st.sampled_from([-1.0, -0.5, -1 / 3, 0.0, 0.0, 0.0, 1 / 3, 0.5, 1.0]), min_size=2, max_size=80
)


@given(means.filter(lambda found: len(set(found)) > 1), st.floats(-0.3, 0.3))
def test_the_p_value_is_scipy_s(differences: list[float], shift: float) -> None:
    """Of one sample against a shift, one-sided."""
    expected = ttest_1samp(differences, shift, alternative="greater").pvalue
    assert t_p(differences, shift) == pytest.approx(expected, abs=1e-12)


@given(means)
def test_the_interval_holds_student_s_and_tango_s(differences: list[float]) -> None:
    """The wider of both ends, so it has a width where all groups agree."""
    found, single = cluster_interval(differences, 0.9), tango(cluster_pairs(differences), 0.9)
    assert found is not None
    assert single is not None
    assert found.low <= single.low < single.high <= found.high
    if len(set(differences)) > 1:
        low, high = ttest_1samp(differences, 0).confidence_interval(0.9)
        assert found.low <= max(-1.0, low) + 1e-12
        assert found.high >= min(1.0, high) - 1e-12


@given(means)
def test_groups_taken_for_cases_keep_mean_and_spread(differences: list[float]) -> None:
    """Their sum is won less lost; their sum of squares won and lost, unless the sum is greater."""
    found = cluster_pairs(differences)
    assert found.won - found.lost == pytest.approx(sum(differences))
    squares = sum(value * value for value in differences)
    assert found.won + found.lost == pytest.approx(max(abs(sum(differences)), squares))
    assert min(found.won, found.lost) >= -1e-12


def test_groups_of_one_are_cases() -> None:
    """Nothing is averaged."""
    assert cluster_pairs([1.0, -1.0, -1.0, 0.0]) == Pairs(4, 1, 2)


def test_groups_that_agree_are_no_certainty() -> None:
    """Student's t alone would be sure of ten equal groups; below two groups nothing is said."""
    found = cluster_interval([0.0] * 10)
    assert found is not None
    assert found.high - found.low > 0.4
    assert (t_p([0.0] * 10, -0.05), t_p([0.0] * 10, 0.0)) == (0.0, 1.0)
    assert cluster_interval([0.0]) is None
    assert t_p([0.5], 0.0) == 1.0


def test_the_quantile_is_student_s() -> None:
    """30 groups far from any boundary: mean and spread by hand."""
    differences = [0.5, -0.5, 0.25] * 10
    found = cluster_interval(differences, 0.95)
    half = student.ppf(0.975, 29) * 0.4320 / 30**0.5
    assert found is not None
    assert found.high == pytest.approx(1 / 12 + half, abs=2e-2)
