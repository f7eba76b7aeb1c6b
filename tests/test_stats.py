"""Intervals and agreement, against scipy and against published worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalkit.stats import kappa, paired_gain, wilson


def labels(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """The items behind a table of counts: row = first rater, column = second."""
    items = [(r, c) for r, row in enumerate(table) for c, count in enumerate(row) for _ in range(count)]
    return [r for r, _ in items], [c for _, c in items]


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


def test_kappa_agrees_with_fleiss() -> None:
    """Fleiss (1981), table 13.1: 100 diagnoses by two raters, kappa 0.676, standard error 0.088."""
    found = kappa(*labels([[75, 1, 4], [5, 4, 1], [0, 0, 10]]))
    assert found is not None
    assert found.agreement == pytest.approx(0.89)
    assert found.value == pytest.approx(0.6765, abs=5e-4)
    assert found.standard_error == pytest.approx(0.0877, abs=1e-3)
    assert found.interval.low < found.value < found.interval.high


def test_kappa_agrees_with_cohen() -> None:
    """Cohen (1960), table 1: agreement 0.70 where 0.41 was expected by chance gives kappa 0.492."""
    found = kappa(*labels([[88, 14, 18], [10, 40, 10], [2, 6, 12]]))
    assert found is not None
    assert found.agreement == pytest.approx(0.70)
    assert found.value == pytest.approx(0.492, abs=5e-4)


@pytest.mark.parametrize("table", [[[20]], [[1]], []])
def test_kappa_has_nothing_to_say_without_variety(table: list[list[int]]) -> None:
    """Where every label is the same, or there is one item, agreement beyond chance is not defined."""
    assert kappa(*labels(table)) is None


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=80))
def test_kappa_is_symmetric_and_bounded(pairs: list[tuple[bool, bool]]) -> None:
    """Who is called the first rater does not matter, and the interval holds the value within [-1, 1]."""
    first, second = [a for a, _ in pairs], [b for _, b in pairs]
    found, swapped = kappa(first, second), kappa(second, first)
    assert (found is None) == (swapped is None)
    if found is not None and swapped is not None:
        assert found.value == pytest.approx(swapped.value)
        assert found.standard_error == pytest.approx(swapped.standard_error)
        assert -1 <= found.interval.low <= found.value <= found.interval.high <= 1


def test_kappa_needs_the_same_items() -> None:
    """Labels that do not pair up are refused."""
    with pytest.raises(ValueError, match="same items"):
        kappa([True], [True, False])


@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [
        ((36, 12, 2, 0), 0.0569, 0.3404),  # Newcombe (1998), Statist. Med. 17, 2635, Table II, method 10
        ((36, 14, 0, 0), 0.1528, 0.4167),
    ],
)
def test_the_paired_gain_is_newcombe_s(cells: tuple[int, int, int, int], low: float, high: float) -> None:
    """Both passed, only the second, only the first, neither: the published intervals."""
    both, gained, lost, neither = cells
    before = [True] * both + [False] * gained + [True] * lost + [False] * neither
    after = [True] * both + [True] * gained + [False] * lost + [False] * neither
    gain = paired_gain(before, after)
    assert gain is not None
    assert (round(gain.interval.low, 4), round(gain.interval.high, 4)) == (low, high)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=60))
def test_a_paired_gain_lies_in_its_interval(pairs: list[tuple[bool, bool]]) -> None:
    """Within [-1, 1], never without width, and turned around when the two change places."""
    before, after = [one for one, _ in pairs], [other for _, other in pairs]
    gain, back = paired_gain(before, after), paired_gain(after, before)
    if len(pairs) < 2:
        assert gain is None
        return
    assert gain is not None
    assert back is not None
    assert -1 <= gain.interval.low <= gain.value <= gain.interval.high <= 1
    assert gain.interval.low < gain.interval.high
    assert (back.value, back.interval.low) == pytest.approx((-gain.value, -gain.interval.high))
