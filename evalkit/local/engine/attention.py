"""How queries find keys: a piece of one prompt in prefill, one token in each slot in decode.

Decode goes over keys chunk by chunk (see `cache.CHUNK`), all chunks of all slots in one stacked product.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.cache import CHUNK, SlotCache, chunks_for
from evalkit.local.engine.weights import Array

MASKED = np.float32(-1e30)  # finite, so that a token that sees nothing gives no NaN


class PrefillAttention:
    """Tokens of one slot, at positions `start` to `stop`, look at all of that slot up to themselves."""

    def __init__(self, cache: SlotCache, slot: int, start: int, stop: int):
        self._cache, self._slot, self._start = cache, slot, start
        self._positions = np.arange(start, stop)

    def __call__(self, layer: int, query: Array, key: Array, value: Array) -> Array:
        """See `forward.Attend`."""
        self._cache.write(layer, self._slot, self._positions, key, value)
        if self._start:
            key, value = self._cache.read(layer, self._slot, self._start + len(self._positions))
        return attend_causally(query, key, value).reshape(-1, len(self._positions))


def attend_causally(query: Array, key: Array, value: Array) -> Array:
    """query (kv_heads, group, head_dim, tokens) on key and value (kv_heads, head_dim, keys) -> as query.

    The tokens are the last of the keys.
    """
    scores = causal_scores(query, key)
    mixed = value[:, None] @ scores
    mixed /= sum_over_keys(scores)
    return mixed


def causal_scores(query: Array, key: Array) -> Array:
    """How much each token looks at each key, not yet summing to 1: (kv_heads, group, keys, tokens)."""
    tokens = query.shape[-1]
    scores = key[:, None].swapaxes(-1, -2) @ query
    scores[..., -tokens:, :] += later_keys(tokens)
    scores -= scores.max(axis=-2, keepdims=True)
    return np.exp(scores, out=scores)


def sum_over_keys(scores: Array) -> Array:
    """(..., keys, tokens) -> (..., 1, tokens); a product with ones takes a third of np.sum's time."""
    total: Array = np.ones(scores.shape[-2], scores.dtype) @ scores
    return total[..., None, :]


@lru_cache(maxsize=64)
def later_keys(tokens: int) -> Array:
    """(keys, tokens): `MASKED` where a key stands behind the token that asks, else 0."""
    return np.tril(np.full((tokens, tokens), MASKED), -1)


class DecodeAttention:
    """One token in each slot, at `positions` (slots,), looks at all of its slot up to itself.

    There are as many chunks as the longest slot needs. For a shorter slot the further ones add exact
    zeros, and no product's shape depends on their number: its last bits are its own.
    """

    def __init__(self, cache: SlotCache, positions: NDArray[np.intp]):
        self._cache = cache
        self._slots, self._positions = np.arange(len(positions)), positions
        self._chunks = chunks_for(int(positions.max()) + 1)
        reach = np.arange(self._chunks * CHUNK).reshape(-1, 1, 1, 1, CHUNK)
        self._mask = np.where(reach > positions[:, None, None, None], MASKED, np.float32(0))

    def __call__(self, layer: int, query: Array, key: Array, value: Array) -> Array:
        """See `forward.Attend`; token t belongs to slot t."""
        self._cache.write(layer, self._slots, self._positions, key, value)
        by_slot = np.ascontiguousarray(query.transpose(3, 0, 1, 2))
        scores = by_slot @ self._cache.keys[layer, : self._chunks]  # (chunks, slots, kv_heads, group, CHUNK)
        scores += self._mask
        scores -= scores.max(axis=0).max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        mixed = _sum_in_order(scores @ self._cache.values[layer, : self._chunks])
        mixed /= _sum_in_order(scores.sum(axis=-1, keepdims=True))
        return np.ascontiguousarray(mixed.reshape(len(mixed), -1).T)


def _sum_in_order(chunks: Array) -> Array:
    """The sum over the first axis, first to last: numpy may choose another order for another number."""
    total: Array = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total
