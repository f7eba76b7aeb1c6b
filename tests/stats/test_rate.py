"""Wilson's interval, against scipy and published worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalkit.stats import wilson


# Newcombe, Statist. Med. 17 (1998) 857-872, table I, method 3
@pytest.mark.parametrize(
    ("passed", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_agrees_with_newcombe(passed: int, n: int, low: float, high: float) -> None:
    """The four worked examples of Newcombe (1998) come out to the printed digits."""
    interval = wilson(passed, n)
    assert interval is not None
    assert (round(interval.low, 4), round(interval.high, 4)) == (low, high)


@given(
    st.integers(2, 2000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999)
)
def test_wilson_agrees_with_scipy(counts: tuple[int, int], confidence: float) -> None:
    """For any counts and any confidence the interval is scipy's, and holds the observed share."""
    passed, n = counts
    interval = wilson(passed, n, confidence)
    expected = binomtest(passed, n).proportion_ci(confidence, method="wilson")
    assert interval is not None
    assert interval.low == pytest.approx(expected.low, abs=1e-9)
    assert interval.high == pytest.approx(expected.high, abs=1e-9)
    assert 0 <= interval.low <= passed / n <= interval.high <= 1


@pytest.mark.parametrize(("passed", "n"), [(0, 0), (0, 1), (1, 1)])
def test_wilson_has_nothing_to_say_below_two(passed: int, n: int) -> None:
    """No interval is invented from no observation or a single one."""
    assert wilson(passed, n) is None


@pytest.mark.parametrize(
    ("passed", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 0.0), (1, 2, 95)]
)
def test_wilson_refuses_impossible_counts(passed: int, n: int, confidence: float) -> None:
    """Counts that cannot be are a programming error, not an interval."""
    with pytest.raises(ValueError, match=r"between 0 and"):
        wilson(passed, n, confidence)
