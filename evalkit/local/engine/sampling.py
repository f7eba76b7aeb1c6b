"""Logits -> the next token. Each row is judged by itself; chance comes from (seed, position) alone."""

from __future__ import annotations

from collections.abc import Mapping

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


def most_probable(logprobs: Array) -> int:
    """The token that is most probable in one row (vocab,), the first of several."""
    return int(logprobs.argmax())


def drawn(logprobs: Array, temperature: float, top_p: float, chance: np.random.Generator) -> int:
    """A token of one row (vocab,), drawn at this temperature from the `top_p` share of the probability.

    A row may say -inf of tokens that are not to be drawn, though not of all.
    """
    order = np.argsort(-logprobs, kind="stable") if top_p < 1 else np.arange(len(logprobs))
    weights = np.exp((logprobs[order] - logprobs.max()).astype(np.float64) / temperature)
    weights /= weights.sum()
    kept = int(np.searchsorted(np.cumsum(weights), top_p)) + 1
    weights = weights[:kept]
    at = int(np.searchsorted(np.cumsum(weights), chance.random() * weights.sum(), side="right"))
    return int(order[min(at, int(np.flatnonzero(weights)[-1]))])  # rounding may point behind the last one


class Adjustment:
    """What OpenAI adds to logits: `bias - count * frequency - (count > 0) * presence`, a token by itself.

    Args:
        bias: of tokens by id.
        frequency, presence: penalties on tokens that were generated, `count` times.
    """

    def __init__(self, bias: Mapping[int, float], frequency: float, presence: float):
        self._offsets = dict(bias)
        self._frequency, self._presence = frequency, presence
        self._seen: set[int] = set()

    def count(self, token: int) -> None:
        """Note that a token was generated."""
        if self._frequency or self._presence:
            first = 0.0 if token in self._seen else self._presence
            self._seen.add(token)
            self._offsets[token] = self._offsets.get(token, 0.0) - self._frequency - first

    def applied(self, logprobs: Array) -> Array:
        """Give the row with the offsets added; the row itself is left alone."""
        if not self._offsets:
            return logprobs
        adjusted = logprobs.copy()
        adjusted[list(self._offsets)] += np.array(list(self._offsets.values()), logprobs.dtype)
        return adjusted


def chance_at(seed: int, position: int) -> np.random.Generator:
    """The randomness of one request's one position: the same whoever shares the batch."""
    return np.random.default_rng((seed & (2**64 - 1), position))
