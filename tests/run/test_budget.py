"""The cap on spending."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import BudgetReached
from evalkit.run.budget import Budget


def test_what_is_under_way_counts_as_spent() -> None:
    """A second request is refused while the first may still cost what is left."""
    budget = Budget(1.0)
    with budget.reserve(0.7):
        with pytest.raises(BudgetReached, match=r"\$0\.00 spent, \$0\.70 under way.*--max-cost is 1\.00"):
            budget.reserve(0.4).__enter__()
        with budget.reserve(0.3):
            pass


def test_the_true_cost_takes_the_place_of_the_expected_one() -> None:
    """What was held back and not spent is free again."""
    budget = Budget(1.0)
    for _ in range(9):
        with budget.reserve(0.9) as spending:
            spending.usd = 0.01
    assert budget.spent_usd == pytest.approx(0.09)


def test_a_failed_request_costs_nothing_and_holds_nothing_back() -> None:
    """An exception inside gives the reservation back."""
    budget = Budget(1.0)
    with pytest.raises(KeyError), budget.reserve(1.0):
        raise KeyError
    with budget.reserve(1.0):
        pass
    assert budget.spent_usd == 0


def test_the_unknown_is_not_refused() -> None:
    """Without a price (the user lifted the cap, or owns the server) there is nothing to hold back."""
    with Budget(0.0).reserve(None) as spending:
        spending.usd = None


@given(cap=st.floats(0, 10), costs=st.lists(st.floats(0, 3), max_size=30))
def test_the_cap_is_never_passed_where_costs_are_as_expected(cap: float, costs: list[float]) -> None:
    """Whatever is asked, in whatever order."""
    budget = Budget(cap)
    for usd in costs:
        try:
            with budget.reserve(usd) as spending:
                spending.usd = usd
        except BudgetReached:
            continue
    assert budget.spent_usd <= cap
