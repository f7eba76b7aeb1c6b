"""How many cases it takes, against the exact power."""

from __future__ import annotations

import numpy as np
import pytest

from evalkit.stats import Pairs
from evalkit.stats.noninferiority import ExactTest
from evalkit.stats.planning import least_cases, more_cases, more_repeats


@pytest.mark.parametrize(("margin", "alpha", "least"), [(0.05, 0.05, 59), (0.1, 0.05, 29), (0.05, 0.025, 72)])
def test_the_least_are_those_of_equals(margin: float, alpha: float, least: int) -> None:
    """Where nothing differs; a plan never has fewer, and then hardly more."""
    assert least_cases(margin, alpha) == least
    assert least <= 2 + more_cases(Pairs(2, 0, 0), margin, alpha) <= least + 1


@pytest.mark.parametrize("discordance", [0.05, 0.1, 0.2, 0.4])
def test_with_little_at_hand_the_plan_has_its_power(discordance: float) -> None:
    """80% as planned, by the exact test of all together."""
    at_hand = Pairs(20, 10 * discordance, 10 * discordance)
    n = 20 + more_cases(at_hand, 0.05, 0.05)
    assert 0.76 <= ExactTest(n, 0.05).power(0.05, discordance) <= 0.9


@pytest.mark.parametrize(("n", "won", "lost"), [(120, 8, 8), (120, 5, 7), (60, 3, 2), (200, 20, 24)])
def test_further_cases_decide_as_often_as_planned(n: int, won: int, lost: int) -> None:
    """2,000 draws of that many more, truly equal and as discordant as those at hand: about 80% are shown."""
    more = more_cases(Pairs(n, won, lost), 0.05, 0.05)
    test = ExactTest(n + more, 0.05)
    region = test.most_lost(test.critical(0.05))
    rate = (won + lost) / n / 2
    drawn = np.random.default_rng(3).multinomial(more, [rate, rate, 1 - 2 * rate], size=2000)
    shown = np.mean(lost + drawn[:, 1] <= region[won + drawn[:, 0]])
    assert 0.74 <= shown <= 0.9


def test_a_worse_start_takes_more() -> None:
    """The more is lost at hand, the more it takes to outweigh it."""
    found = [more_cases(Pairs(120, 8, lost), 0.05, 0.05) for lost in (6, 8, 10, 12)]
    assert found == sorted(found)
    assert len(set(found)) == 4


def test_repeats_help_where_answers_to_one_case_differ() -> None:
    """Not where cases differ for good, nor where they are too few."""
    flips = [0.5, -0.5] * 20 + [0.0] * 100
    assert more_repeats(flips, within=0.15, repeats=2, margin=0.05, alpha=0.05) is not None
    assert more_repeats([1.0, -1.0] * 20 + [0.0] * 100, 0.0, 2, 0.05, 0.05) is None
    assert more_repeats(flips[:50], 0.15, 2, 0.05, 0.05) is None
