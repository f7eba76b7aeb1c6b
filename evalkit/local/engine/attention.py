"""How queries find keys: a whole prompt at once in prefill, one token in each slot in decode."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.cache import CHUNK, SlotCache
from evalkit.local.engine.weights import Array

MASKED = np.float32(-1e30)  # finite, so that a slot that sees nothing gives no NaN


class PrefillAttention:
    """Some tokens of one slot, from position `start` on, look at that slot's keys and at one another."""

    def __init__(self, cache: SlotCache, slot: int, start: int):
        self._keys, self._values = cache.keys[:, slot], cache.values[:, slot]
        self._start = start

    def __call__(self, layer: int, query: Array, key: Array, value: Array) -> Array:
        """See `forward.Attend`."""
        tokens = key.shape[-1]
        end = self._start + tokens
        self._keys[layer, :, :, self._start : end] = key
        self._values[layer, :, :, self._start : end] = value
        keys = self._keys[layer, :, None, :, :end]
        scores = keys.swapaxes(-1, -2) @ query  # (kv_heads, group, keys, tokens)
        scores[..., self._start :, :] += later_keys(tokens)
        scores -= scores.max(axis=-2, keepdims=True)
        np.exp(scores, out=scores)
        mixed = self._values[layer, :, None, :, :end] @ scores
        mixed /= scores.sum(axis=-2, keepdims=True)
        return mixed.reshape(-1, tokens)


@lru_cache(maxsize=64)
def later_keys(tokens: int) -> Array:
    """(keys, tokens): `MASKED` where a key stands behind the token that asks, else 0."""
    return np.tril(np.full((tokens, tokens), MASKED), -1)


class DecodeAttention:
    """One token in each slot, at `positions` (slots,), looks at its slot's keys up to itself.

    Keys are read in chunks of fixed size, as many as the longest slot needs. For a shorter slot the
    further chunks add exact zeros, and no product's shape depends on them: its last bits stay its own.
    """

    def __init__(self, cache: SlotCache, positions: NDArray[np.intp]):
        self._cache = cache
        self._slots, self._positions = np.arange(len(positions)), positions
        self._chunks = int(positions.max()) // CHUNK + 1
        reach = np.arange(self._chunks * CHUNK).reshape(self._chunks, 1, 1, 1, CHUNK)
        self._bias = np.where(reach > positions[:, None, None, None], MASKED, np.float32(0))

    def __call__(self, layer: int, query: Array, key: Array, value: Array) -> Array:
        """See `forward.Attend`; token t belongs to slot t."""
        keys, values = self._cache.keys[layer], self._cache.values[layer]
        keys[self._slots, :, :, self._positions] = key.transpose(2, 0, 1)
        values[self._slots, :, :, self._positions] = value.transpose(2, 0, 1)
        by_slot = np.ascontiguousarray(query.transpose(3, 0, 1, 2))
        scores = by_slot @ self._chunked(keys)  # (chunks, slots, kv_heads, group, CHUNK)
        scores += self._bias
        scores -= scores.max(axis=-1, keepdims=True).max(axis=0)
        np.exp(scores, out=scores)
        mixed = _in_order(scores @ self._chunked(values).swapaxes(-1, -2))
        mixed /= _in_order(scores.sum(axis=-1, keepdims=True))
        return np.ascontiguousarray(mixed.reshape(len(mixed), -1).T)

    def _chunked(self, cached: Array) -> Array:
        """(slots, kv_heads, head_dim, positions) seen as (chunks, slots, kv_heads, head_dim, CHUNK)."""
        chunks = cached.reshape(*cached.shape[:-1], -1, CHUNK)
        return chunks[..., : self._chunks, :].transpose(3, 0, 1, 2, 4)


def _in_order(chunks: Array) -> Array:
    """The sum over the first axis, first to last; numpy's own sum may choose another order for more chunks."""
    total = chunks[0]
    for chunk in chunks[1:]:
        total += chunk
    return total
