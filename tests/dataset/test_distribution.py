"""Distributions agree with numpy to the last bit."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dataset.distribution import Distribution

many = st.lists(st.integers(0, 70_000) | st.integers(0, 9), min_size=1, max_size=60)


@given(values=many, q=st.floats(0, 1) | st.sampled_from([0.1, 0.5, 0.9]))
def test_figures_are_numpy_s(values: list[int], q: float) -> None:
    """Mean, median and any quantile, from counts alone."""
    found = Distribution(Counter(values))
    assert (found.n, found.minimum, found.maximum) == (len(values), min(values), max(values))
    assert found.mean == np.mean(values)
    assert found.median == np.median(values)
    assert found.quantile(q) == np.quantile(values, q)


@given(values=many, most=st.integers(1, 12))
def test_bins_hold_every_value_once(values: list[int], most: int) -> None:
    """They touch, begin with the smallest and end with the largest."""
    bins = Distribution(Counter(values)).bins(most)
    assert len(bins) <= most
    assert (bins[0][0], bins[-1][1]) == (min(values), max(values))
    assert all(after[0] == before[1] + 1 for before, after in pairwise(bins))
    assert all(count == sum(first <= value <= last for value in values) for first, last, count in bins)


@given(values=many, limit=st.integers(0, 70_000))
def test_a_limit_cuts_what_is_above_it(values: list[int], limit: int) -> None:
    """How many are above, and what is left of all."""
    found = Distribution(Counter(values))
    assert found.above(limit) == sum(value > limit for value in values)
    assert found.capped(limit) == sum(min(value, limit) for value in values)
    assert found.capped(None) == sum(values)
