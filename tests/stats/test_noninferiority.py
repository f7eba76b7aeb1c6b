"""The exact test of non-inferiority, against enumeration of every table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial

from evalkit.stats import Pairs, score_z
from evalkit.stats.noninferiority import ExactTest, exact_p
from evalkit.stats.planning import least_cases
from tests.stats.tables import pairs


def by_enumeration(table: Pairs, margin: float) -> float:
    """The greatest probability of a table as extreme, over 400 true rates on the border."""
    n, observed = int(table.n), score_z(table, -margin)
    extreme = [
        (won, lost, n - won - lost)
        for won in range(n + 1)
        for lost in range(n - won + 1)
        if score_z(Pairs(n, won, lost), -margin) >= observed - 1e-9
    ]
    rates = np.linspace(0, (1 - margin) / 2, 400)
    return max(
        float(multinomial.pmf(extreme, n, [won, won + margin, max(0.0, 1 - 2 * won - margin)]).sum())
        for won in rates
    )


@settings(max_examples=25, deadline=None)
@given(pairs(3, 16), st.sampled_from([0.02, 0.05, 0.1, 0.2]))
def test_the_p_value_is_that_of_all_tables(table: Pairs, margin: float) -> None:
    """It agrees with plain enumeration, and is never below it by more than the grids differ."""
    assert exact_p(table, margin) == pytest.approx(by_enumeration(table, margin), abs=2e-3)


def test_59_equal_cases_are_the_fewest() -> None:
    """At a margin and an alpha of 5%: 0.95 to the power of 59 is 4.85%."""
    assert least_cases(0.05, 0.05) == 59
    assert exact_p(Pairs(59, 0, 0), 0.05) == pytest.approx(0.95**59)
    assert exact_p(Pairs(58, 0, 0), 0.05) > 0.05


@settings(max_examples=40, deadline=None)
@given(pairs(5, 150), st.sampled_from([0.0, 0.05, 0.1]))
def test_more_won_and_less_lost_are_never_worse(table: Pairs, margin: float) -> None:
    """The p-value lies in (0, 1], falls with what is won and grows with what is lost."""
    p = exact_p(table, margin)
    assert 0 < p <= 1
    if table.won + table.lost < table.n:
        assert exact_p(Pairs(table.n, table.won + 1, table.lost), margin) <= p + 1e-9
        assert exact_p(Pairs(table.n, table.won, table.lost + 1), margin) >= p - 1e-9


@pytest.mark.parametrize("n", [20, 52, 60, 120, 200])
@pytest.mark.parametrize("margin", [0.05, 0.1])
def test_a_worse_candidate_is_let_through_in_alpha_at_most(n: int, margin: float) -> None:
    """At any true discordance, over all tables: the size that Tango's statistic alone exceeds."""
    test = ExactTest(n, margin)
    region = test.most_lost(test.critical(0.05))
    sizes = [test.chance(region, won, won + margin) for won in np.linspace(0, (1 - margin) / 2, 997)]
    assert max(sizes) <= 0.05 + 1e-6


@pytest.mark.parametrize(("n", "worst"), [(52, 0.069), (120, 0.060)])
def test_tango_alone_would_be_liberal(n: int, worst: float) -> None:
    """Its 5% are 6.9% of 52 cases, and about 6% of 120."""
    assert ExactTest(n, 0.05).p_of(1.6448536) == pytest.approx(worst, abs=1e-3)


def test_the_critical_value_is_where_p_falls_to_alpha() -> None:
    """Tables at or above it are shown, tables below it are not."""
    test = ExactTest(60, 0.05)
    critical = test.critical(0.05)
    assert test.p_of(critical) <= 0.05 < test.p_of(critical - 1e-3)


def test_power_and_error_of_200_cases() -> None:
    """Equal models that differ on 5% ship in 85% at least; a true drop of 10 points in less than 0.5%."""
    test = ExactTest(200, 0.05)
    assert test.power(0.05, discordance=0.05) >= 0.85
    for discordance in (0.1, 0.2, 0.4):
        assert test.power(0.05, discordance, difference=-0.1) < 0.005


@settings(max_examples=25, deadline=None)
@given(pairs(5, 60))
def test_without_a_margin_it_is_hardly_ever_blunter_than_mcnemar(table: Pairs) -> None:
    """Of "not better", one-sided: the conditional test of McNemar is exact too, and mostly blunter."""
    if table.won > table.lost:
        conditional = binomtest(int(table.won), int(table.won + table.lost), alternative="greater").pvalue
        assert exact_p(table, 0.0) <= max(0.01, 1.5 * conditional)
