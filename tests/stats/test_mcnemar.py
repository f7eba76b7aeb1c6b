"""McNemar's exact test, against statsmodels."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as reference

from evalkit.stats import Pairs
from evalkit.stats.mcnemar import mcnemar


@given(st.integers(0, 300), st.integers(0, 300), st.integers(0, 300))
def test_mcnemar_agrees_with_statsmodels(won: int, lost: int, rest: int) -> None:
    """For any table, whatever the number of cases on which the two agree."""
    expected = reference([[rest, won], [lost, 0]], exact=True).pvalue if won + lost else 1.0
    assert mcnemar(Pairs(won + lost + rest, won, lost)) == pytest.approx(expected, rel=1e-9)


def test_nothing_differs() -> None:
    """Equal answers throughout, or none at all, speak for no difference."""
    assert mcnemar(Pairs(120, 0, 0)) == mcnemar(Pairs(0, 0, 0)) == 1.0
