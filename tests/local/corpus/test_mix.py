"""The whole corpus, and what holds for each kind of episode."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import islice

import pytest

from evalkit.local.corpus.episode import Episode
from evalkit.local.corpus.mix import SHARES, episodes
from tests.local.corpus.drawing import drawn


@pytest.mark.parametrize("make", SHARES)
def test_the_same_seed_gives_the_same_episodes(make: Callable[[random.Random], Episode]) -> None:
    """A corpus is named by its seed, so a training run can be repeated."""
    assert drawn(make, 50, seed=3) == drawn(make, 50, seed=3)
    assert drawn(make, 50, seed=3) != drawn(make, 50, seed=4)


def test_the_mix_is_repeatable_too() -> None:
    """Its seed decides which kind comes when."""
    assert list(islice(episodes(3), 100)) == list(islice(episodes(3), 100))


@pytest.mark.parametrize("make", SHARES)
def test_every_turn_is_asked_and_answered(make: Callable[[random.Random], Episode]) -> None:
    """An empty text would teach the model to say nothing."""
    turns = [turn for episode in drawn(make, 200) for turn in episode.turns]
    assert all(turn.user.strip() and turn.answer.strip() for turn in turns)
