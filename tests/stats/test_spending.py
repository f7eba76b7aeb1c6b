"""Several looks: published boundaries, and a multivariate normal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multivariate_normal, norm

from evalkit.stats.spending import levels, spent


def test_four_equal_looks_have_the_published_boundaries() -> None:
    """Lan and DeMets' boundaries like O'Brien and Fleming's, at one-sided 2.5%, as tables of group sequential
    designs give them."""
    found = [norm.isf(level) for level in levels([0.25, 0.5, 0.75, 1], 0.025)]
    assert found == pytest.approx([4.3326, 2.9631, 2.3590, 2.0141], abs=1e-4)


def test_one_look_has_all() -> None:
    """Nothing is kept back for a look that does not come."""
    assert levels([1.0], 0.05) == pytest.approx([0.05])


@pytest.mark.parametrize("shares", [[0.25, 0.5, 0.75, 1.0], [0.3, 1.0], [0.1, 0.2, 0.9, 1.0]])
@pytest.mark.parametrize("alpha", [0.025, 0.05])
def test_all_looks_together_are_wrong_in_alpha(shares: list[float], alpha: float) -> None:
    """By the joint distribution of the looks: their correlation is the root of the shares' ratio."""
    bounds = [norm.isf(level) for level in levels(shares, alpha)]
    correlation = [[(min(a, b) / max(a, b)) ** 0.5 for b in shares] for a in shares]
    none = multivariate_normal(cov=correlation, seed=1).cdf(bounds)
    assert 1 - none == pytest.approx(alpha, abs=3e-4)


@given(st.floats(0.01, 0.5), st.floats(0.001, 0.99))
def test_spending_grows_to_alpha(alpha: float, share: float) -> None:
    """Nothing at first, all at the end, and never back."""
    assert spent(0, alpha) == 0
    assert spent(1, alpha) == pytest.approx(alpha)
    assert 0 <= spent(share, alpha) <= spent(min(1, share * 1.01), alpha) <= alpha + 1e-12
