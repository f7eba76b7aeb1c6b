"""Keys and values: of the slots that are being answered, and of prefixes seen before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np

from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import Array

CHUNK = 64
"""Keys are attended to in chunks of this many, so that no product's shape depends on a batch's lengths."""


class SlotCache:
    """Room for the keys and values of every slot.

    keys and values: (layers, slots, kv_heads, head_dim, positions), feature-major as everything here.
    """

    def __init__(self, config: Config, slots: int, max_len: int):
        self.positions = -(-max_len // CHUNK) * CHUNK + CHUNK  # one spare chunk: prompts are padded
        shape = (config.layers, slots, config.kv_heads, config.head_dim, self.positions)
        self.keys = np.zeros(shape, np.float32)
        self.values = np.zeros(shape, np.float32)

    def clear(self, slot: int, length: int) -> None:
        """Forget a slot's keys; stale ones are masked, but a masked infinity would still spoil a sum."""
        self.keys[:, slot, :, :, :length] = 0
        self.values[:, slot, :, :, :length] = 0

    def save(self, slot: int, length: int) -> Prefix:
        """A copy of the slot's first keys and values."""
        return Prefix(
            self.keys[:, slot, :, :, :length].copy(),
            self.values[:, slot, :, :, :length].copy(),
        )

    def restore(self, slot: int, prefix: Prefix) -> None:
        """Put saved keys and values at the beginning of a slot."""
        length = prefix.keys.shape[-1]
        self.keys[:, slot, :, :, :length] = prefix.keys
        self.values[:, slot, :, :, :length] = prefix.values


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Keys and values (layers, kv_heads, head_dim, tokens) of a prompt's first tokens."""

    keys: Array
    values: Array

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.keys.nbytes + self.values.nbytes


PrefixKey = tuple[str | None, tuple[int, ...]]
"""(sha256 of the adapter or None, the prefix's tokens)."""


class PrefixCache:
    """The prefixes used last, within a bound on memory (bytes)."""

    def __init__(self, capacity: int):
        self._capacity = capacity
        self._size = 0
        self._prefixes: OrderedDict[PrefixKey, Prefix] = OrderedDict()

    def get(self, key: PrefixKey) -> Prefix | None:
        """The prefix, if it is there; it then counts as just used."""
        if prefix := self._prefixes.get(key):
            self._prefixes.move_to_end(key)
        return prefix

    def put(self, key: PrefixKey, prefix: Prefix) -> None:
        """Keep a prefix that is not there yet; the longest unused ones make room."""
        self._prefixes[key] = prefix
        self._size += prefix.size
        while self._size > self._capacity:
            _, dropped = self._prefixes.popitem(last=False)
            self._size -= dropped.size
