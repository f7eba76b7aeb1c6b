"""Rates behind an imperfect judge, against the published examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from evalkit.stats import Rate
from evalkit.stats.correction import Accuracy, corrected_rate, youden

rates = st.integers(2, 400).flatmap(lambda n: st.builds(Rate, st.integers(0, n), st.just(n)))


# Lang and Reiczigel, Prev. Vet. Med. 113 (2014), examples 1 to 4; R's asht::prevSeSp documents the same
@pytest.mark.parametrize(
    ("observed", "tpr", "tnr", "low", "high", "digits"),
    [
        ((4060, 11284), (178, 179), (358, 359), 0.349, 0.372, 3),
        ((51, 2971), (32, 33), (20, 20), 0, 0.053, 3),
        ((712, 11862), (8, 10), (12, 12), 0, 0.147, 3),
        ((259, 509), (84, 127), (96, 109), 0.58, 0.87, 2),
        ((51, 509), (23, 41), (187, 195), 0.037, 0.195, 3),
    ],
)
def test_it_agrees_with_lang_and_reiczigel(
    observed: tuple[int, int],
    tpr: tuple[int, int],
    tnr: tuple[int, int],
    low: float,
    high: float,
    digits: int,
) -> None:
    """Their worked examples come out to the printed digits."""
    found = corrected_rate(Rate(*observed), Accuracy(Rate(*tpr), Rate(*tnr)))
    assert found is not None
    assert (round(found.interval.low, digits), round(found.interval.high, digits)) == (low, high)


def test_the_value_is_rogan_and_gladens() -> None:
    """0.3 observed at TPR 0.9 and TNR 0.8: (0.3 + 0.8 - 1) / 0.7."""
    found = corrected_rate(Rate(30, 100), Accuracy(Rate(90, 100), Rate(80, 100)))
    assert found is not None
    assert found.value == pytest.approx(1 / 7)


@given(rates, rates, rates)
def test_it_stays_within_0_and_1(observed: Rate, tpr: Rate, tnr: Rate) -> None:
    """Whatever the counts: a share, or nothing where the judge is no better than a coin, be it only once each
    of its rates is adjusted by two more labels."""
    found = corrected_rate(observed, Accuracy(tpr, tnr))
    if found is None:
        adjusted = sum((rate.passed + 1) / (rate.n + 2) for rate in (tpr, tnr))
        assert min(tpr.passed / tpr.n + tnr.passed / tnr.n, adjusted) <= 1 + 1e-9
    else:
        assert 0 <= found.value <= 1
        assert 0 <= found.interval.low <= found.interval.high <= 1


@pytest.mark.parametrize("few", [Rate(0, 0), Rate(1, 1)])
def test_nothing_is_said_of_too_little(few: Rate) -> None:
    """An unlabelled kind of answers, or no answers, give no rate."""
    enough = Rate(9, 10)
    assert corrected_rate(few, Accuracy(enough, enough)) is None
    assert corrected_rate(enough, Accuracy(few, enough)) is None
    assert corrected_rate(enough, Accuracy(enough, few)) is None
    assert youden(Accuracy(few, enough)) is None


@given(rates, rates, st.floats(0.5, 0.99))
def test_youdens_interval_is_newcombes(tpr: Rate, tnr: Rate, confidence: float) -> None:
    """TPR + TNR - 1 is the difference of TPR and 1 - TNR; statsmodels has its interval."""
    found = youden(Accuracy(tpr, tnr), confidence)
    low, high = confint_proportions_2indep(
        tpr.passed, tpr.n, tnr.n - tnr.passed, tnr.n, method="newcomb", alpha=1 - confidence
    )
    assert found is not None
    assert found.interval.low == pytest.approx(low, abs=1e-9)
    assert found.interval.high == pytest.approx(high, abs=1e-9)
    assert found.interval.low <= found.value <= found.interval.high
