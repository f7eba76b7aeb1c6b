"""Keys and values of the running answers as one batch: row by row, each aligned to the right.

A row's tokens are always the last ones of the batch, without gaps, so that whatever attention a model has
(full, or over a window) sees them where they would stand alone; what is left of them is masked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

KeysValues = tuple[tuple[Tensor, Tensor], ...]
"""A layer's keys and values each: (rows, heads, tokens, head_dim)."""


class Rows:
    """The batch.

    Attributes:
        slots: which slot each row belongs to.
        lengths: how many tokens each row has.
    """

    def __init__(self) -> None:
        self.slots: list[int] = []
        self.lengths: list[int] = []
        self._cache = DynamicCache()

    def add(self, slot: int, length: int, cache: DynamicCache) -> None:
        """Take a prompt's keys and values in as the last row."""
        new = keys_values(cache)
        if self.slots:
            width = max(*self.lengths, length)
            pairs = zip(_widened(keys_values(self._cache), width), _widened(new, width), strict=True)
            new = tuple((torch.cat([k, a]), torch.cat([v, b])) for (k, v), (a, b) in pairs)
        self._cache = cache_of(new)
        self.slots.append(slot)
        self.lengths.append(length)

    def remove(self, slot: int) -> None:
        """Drop a slot's row, if it has one, and the columns that only it had."""
        if slot not in self.slots:
            return
        row = self.slots.index(slot)
        del self.slots[row], self.lengths[row]
        width = max(self.lengths, default=0)
        kept = [at for at in range(len(self.slots) + 1) if at != row]
        self._cache = cache_of(
            tuple((k[kept, :, -width:], v[kept, :, -width:]) for k, v in keys_values(self._cache))
            if kept
            else ()
        )

    def grown(self) -> tuple[DynamicCache, list[list[int]]]:
        """Make room for one token more in every row.

        Returns:
            the cache, to which the model adds the token, and the mask (rows, tokens) of what each row has.
        """
        self.lengths = [length + 1 for length in self.lengths]
        width = max(self.lengths)
        return self._cache, [[0] * (width - length) + [1] * length for length in self.lengths]


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Keys and values of a prompt's first tokens."""

    layers: KeysValues

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return sum(keys.nbytes + values.nbytes for keys, values in self.layers)


def keys_values(cache: DynamicCache) -> KeysValues:
    """What a cache holds."""
    return tuple((layer.keys, layer.values) for layer in cache.layers)


def cache_of(layers: Sequence[tuple[Tensor, Tensor]]) -> DynamicCache:
    """A cache that holds these; it never writes to them, since its layers grow by copies."""
    cache = DynamicCache()
    for index, (keys, values) in enumerate(layers):
        cache.update(keys, values, index)
    return cache


def _widened(layers: KeysValues, width: int) -> KeysValues:
    """Zeros on the left, up to so many tokens."""
    return tuple(
        (pad(keys, (0, 0, width - keys.shape[-2], 0)), pad(values, (0, 0, width - values.shape[-2], 0)))
        for keys, values in layers
    )
