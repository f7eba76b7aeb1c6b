"""Kappa, against published worked examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import kappa


def labels(table: list[list[int]]) -> tuple[list[int], list[int]]:
    """The items behind a table of counts: row = first rater, column = second."""
    items = [(r, c) for r, row in enumerate(table) for c, count in enumerate(row) for _ in range(count)]
    return [r for r, _ in items], [c for _, c in items]


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
