"""Tango's interval and statistic, against a published example and a second calculation."""

from __future__ import annotations

from math import log, sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import norm

from evalkit.stats import Pairs, pairs_of, score_z, tango
from tests.stats.tables import pairs


def test_the_interval_agrees_with_the_published_one() -> None:
    """Fagerland, Lydersen and Laake, Statist. Med. 33 (2014) 2850-2875: 21 children, 1 better and 7 worse."""
    found = tango(Pairs(21, 1, 7))
    assert found is not None
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


def likeliest(table: Pairs, difference: float) -> float:
    """The rate of `lost` that makes the table likeliest at that true difference: found numerically."""
    neither = table.n - table.won - table.lost

    def unlikely(lost: float) -> float:
        rates = ((table.won, lost + difference), (table.lost, lost), (neither, 1 - 2 * lost - difference))
        return -sum(count * log(max(rate, 1e-300)) for count, rate in rates if count)

    low, high = max(0.0, -difference), (1 - difference) / 2
    return float(minimize_scalar(unlikely, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x)


@given(pairs(5, 80), st.floats(-0.9, 0.9))
def test_the_statistic_is_the_score_at_the_likeliest_rates(table: Pairs, difference: float) -> None:
    """Observed less expected difference, by its standard deviation on the hypothesis."""
    lost = likeliest(table, difference)
    variance = table.n * (2 * lost + difference * (1 - difference))
    if variance > 1e-6:
        expected = (table.won - table.lost - table.n * difference) / sqrt(variance)
        assert score_z(table, difference) == pytest.approx(expected, abs=1e-3, rel=1e-3)


@given(pairs(5, 200), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_the_interval_ends_where_the_statistic_says(table: Pairs, confidence: float) -> None:
    """Its ends are the differences that the test just does not reject: found by another solver."""
    found, z = tango(table, confidence), norm.ppf((1 + confidence) / 2)
    assert found is not None
    if found.low > -0.999:
        low = brentq(lambda d: score_z(table, d) - z, -1 + 1e-9, table.difference - 1e-12)
        assert found.low == pytest.approx(low, abs=1e-6)
    assert found.low < found.high
    assert found.low <= table.difference <= found.high


@given(pairs())
def test_changing_places_turns_the_interval_around(table: Pairs) -> None:
    """What the candidate gains the baseline loses."""
    one, other = tango(table), tango(table.swapped)
    assert one is not None
    assert other is not None
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))


def test_one_case_has_no_interval() -> None:
    """Nor has none."""
    assert tango(Pairs(1, 0, 0)) is None
    assert tango(Pairs(0, 0, 0)) is None


def test_pairs_are_counted_item_by_item() -> None:
    """`after` is the candidate; items that do not pair up are refused."""
    found = pairs_of([True, True, False, False], [True, False, True, False])
    assert (found, found.difference, found.discordance) == (Pairs(4, 1, 1), 0.0, 0.5)
    with pytest.raises(ValueError, match="same items"):
        pairs_of([True], [])
