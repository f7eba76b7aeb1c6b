"""Logits -> the next token. Each row is judged by itself; chance comes from (seed, position) alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from evalkit.local.engine.weights import Array


def log_softmax(logits: Array) -> Array:
    """Natural log probabilities of each row of (rows, vocab)."""
    shifted: Array = logits - logits.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def top_tokens(logprobs: Array, count: int) -> tuple[tuple[int, float], ...]:
    """The `count` most probable (id, logprob) of one row (vocab,), best first, ties by id."""
    best = np.argsort(-logprobs, kind="stable")[:count]
    return tuple((int(token), float(logprobs[token])) for token in best)


def by_probability(logprobs: Array) -> Iterator[int]:
    """All tokens, the most probable first, ties by id; sorts only if asked for a second one."""
    yield int(logprobs.argmax())
    yield from map(int, np.argsort(-logprobs, kind="stable")[1:])


def by_chance(
    logprobs: Array, temperature: float, top_p: float, chance: np.random.Generator
) -> Iterator[int]:
    """Tokens drawn without putting back; the first is a plain draw at this temperature and top_p.

    The later ones serve a caller who may not take the first: together they make a draw from those that
    may be taken. When the `top_p` share is used up, the rest follows by probability.
    """
    order = np.argsort(-logprobs, kind="stable") if top_p < 1 else np.arange(len(logprobs))
    weights = np.exp((logprobs[order] - logprobs.max()).astype(np.float64) / temperature)
    weights /= weights.sum()
    kept = int(np.searchsorted(np.cumsum(weights), top_p)) + 1
    weights = weights[:kept]
    while (total := weights.sum()) > 0:
        drawn = int(np.searchsorted(np.cumsum(weights), chance.random() * total, side="right"))
        drawn = min(drawn, int(np.flatnonzero(weights)[-1]))  # rounding may point behind the last one
        yield int(order[drawn])
        weights[drawn] = 0
    yield from map(int, order[kept:])


def chance_at(seed: int, position: int) -> np.random.Generator:
    """The randomness of one request's one position: the same whoever shares the batch."""
    return np.random.default_rng((seed & (2**64 - 1), position))
