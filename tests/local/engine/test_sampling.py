"""How a token is chosen from its probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from evalkit.local.engine.sampling import (
    Adjustment,
    chance_at,
    drawn,
    log_softmax,
    most_probable,
    top_tokens,
)

rows = arrays(np.float32, st.integers(2, 40), elements=st.floats(-30, 30, width=32))


@settings(deadline=None)
@given(rows)
def test_log_softmax_sums_to_one(row: np.ndarray) -> None:
    """Probabilities of a row add up to 1, and the greatest logit keeps the greatest of them."""
    logprobs = log_softmax(row[None])[0]
    assert np.exp(logprobs).sum() == pytest.approx(1, abs=1e-5)
    assert row[logprobs.argmax()] == pytest.approx(row.max(), abs=1e-5)


@settings(deadline=None)
@given(rows)
def test_best_first(row: np.ndarray) -> None:
    """`top_tokens` sorts by probability, ties by id; the first of them is the most probable."""
    order = sorted(range(len(row)), key=lambda token: (-row[token], token))
    assert top_tokens(row, 3) == tuple((token, float(row[token])) for token in order[:3])
    assert most_probable(row) == order[0]


@settings(deadline=None)
@given(rows, st.floats(0.05, 3), st.floats(0.01, 1), st.integers(-(2**63), 2**64))
def test_a_seed_fixes_what_is_drawn(row: np.ndarray, temperature: float, top_p: float, seed: int) -> None:
    """The same seed draws the same token, and never one that is ruled out."""
    logprobs = log_softmax(row[None])[0]
    logprobs[::2] = -np.inf
    one, other = (drawn(logprobs, temperature, top_p, chance_at(seed, 5)) for _ in range(2))
    assert one == other
    assert one % 2 == 1


def test_chance_follows_the_probabilities() -> None:
    """Over many seeds, tokens come up as often as temperature 2 makes them probable."""
    logprobs = np.log(np.array([0.64, 0.32, 0.04], np.float32))
    tokens = [drawn(logprobs, 2.0, 1.0, chance_at(seed, 0)) for seed in range(4000)]
    tempered = np.sqrt([0.64, 0.32, 0.04])
    assert np.bincount(tokens) / 4000 == pytest.approx(tempered / tempered.sum(), abs=0.03)


def test_top_p_keeps_the_smallest_sufficient_set() -> None:
    """With 0.5 + 0.3 + 0.2 and top_p 0.6, the third token is never drawn first, the second is."""
    logprobs = np.log(np.array([0.2, 0.5, 0.3], np.float32))
    assert {drawn(logprobs, 1.0, 0.6, chance_at(seed, 0)) for seed in range(200)} == {1, 2}
    assert {drawn(logprobs, 1.0, 0.01, chance_at(seed, 0)) for seed in range(50)} == {1}


def test_positions_draw_independently() -> None:
    """One seed's positions are not one draw repeated."""
    logprobs = np.log(np.full(8, 1 / 8, np.float32))
    assert len({drawn(logprobs, 1.0, 1.0, chance_at(1, position)) for position in range(40)}) > 4


def test_bias_and_penalties_add_up() -> None:
    """OpenAI's formula: bias, less the frequency penalty each time, less the presence penalty once."""
    row = np.zeros(4, np.float32)
    adjustment = Adjustment({1: 5.0}, frequency=0.5, presence=1.0)
    for token in (1, 2, 2):
        adjustment.count(token)
    assert adjustment.applied(row).tolist() == [0.0, 3.5, -2.0, 0.0]
    assert not row.any()


def test_without_penalties_nothing_is_counted() -> None:
    """A plain request costs nothing: its row is passed on as it is."""
    row, adjustment = np.zeros(4, np.float32), Adjustment({}, 0.0, 0.0)
    adjustment.count(1)
    assert adjustment.applied(row) is row
