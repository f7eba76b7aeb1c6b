"""Keys and values: of the slots that are being answered, and of prefixes seen before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import Array

CHUNK = 64
"""Positions are kept and attended to in chunks of this many, so that no product's shape depends on a
batch's longest row."""


def chunks_for(length: int) -> int:
    """How many chunks hold `length` positions."""
    return -(-length // CHUNK)


class SlotCache:
    """Room for the keys and values of every slot, a chunk of positions being one contiguous block.

    keys: (layers, chunks, slots, kv_heads, head_dim, CHUNK).
    values: (layers, chunks, slots, kv_heads, CHUNK, head_dim).
    """

    def __init__(self, config: Config, slots: int, max_len: int):
        chunks = chunks_for(max_len) + 1  # a spare one, as prompts are padded
        room = (config.layers, chunks, slots, config.kv_heads)
        self.keys = np.zeros((*room, config.head_dim, CHUNK), np.float32)
        self.values = np.zeros((*room, CHUNK, config.head_dim), np.float32)

    def write(
        self, layer: int, slots: int | NDArray[np.intp], positions: NDArray[np.intp], key: Array, value: Array
    ) -> None:
        """Store key and value (kv_heads, head_dim, tokens): token t at `positions[t]` of `slots[t]`."""
        chunk, offset = np.divmod(positions, CHUNK)
        self.keys[layer][chunk, slots, :, :, offset] = key.transpose(2, 0, 1)
        self.values[layer][chunk, slots, :, offset] = value.transpose(2, 0, 1)

    def read(self, layer: int, slot: int, length: int) -> tuple[Array, Array]:
        """A slot's first positions in one piece: key and value (kv_heads, head_dim, length)."""
        chunks = chunks_for(length)
        keys = self.keys[layer, :chunks, slot].transpose(1, 2, 0, 3)
        values = self.values[layer, :chunks, slot].transpose(1, 3, 0, 2)
        heads = keys.shape[:2]
        return keys.reshape(*heads, -1)[..., :length], values.reshape(*heads, -1)[..., :length]

    def clear(self, slot: int, length: int) -> None:
        """Forget a slot's first positions: they are masked from now on, but a masked infinity spoils sums."""
        self.keys[:, : chunks_for(length), slot] = 0
        self.values[:, : chunks_for(length), slot] = 0

    def save(self, slot: int, length: int) -> Prefix:
        """A copy of the slot's first positions."""
        chunks = chunks_for(length)
        return Prefix(self.keys[:, :chunks, slot].copy(), self.values[:, :chunks, slot].copy())

    def restore(self, slot: int, prefix: Prefix) -> None:
        """Put saved positions at the beginning of a slot."""
        chunks = prefix.keys.shape[1]
        self.keys[:, :chunks, slot] = prefix.keys
        self.values[:, :chunks, slot] = prefix.values


@dataclass(frozen=True, slots=True, eq=False)
class Prefix:
    """Keys and values of a prompt's first tokens, as `SlotCache` has them but for the slots."""

    keys: Array
    values: Array

    @property
    def size(self) -> int:
        """Bytes of memory."""
        return self.keys.nbytes + self.values.nbytes


PrefixKey = tuple[str | None, tuple[int, ...]]
"""(sha256 of the adapter or None, the prefix's tokens)."""


class Sized(Protocol):
    """What takes memory."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...


Kept = TypeVar("Kept", bound=Sized)


class PrefixCache(Generic[Kept]):
    """The prefixes used last, within a bound on memory (bytes)."""

    def __init__(self, capacity: int):
        self._capacity = capacity
        self._size = 0
        self._prefixes: OrderedDict[PrefixKey, Kept] = OrderedDict()

    def get(self, key: PrefixKey) -> Kept | None:
        """The prefix, if it is there; it then counts as just used."""
        if prefix := self._prefixes.get(key):
            self._prefixes.move_to_end(key)
        return prefix

    def put(self, key: PrefixKey, prefix: Kept) -> None:
        """Keep a prefix that is not there yet; those unused for longest make room."""
        self._prefixes[key] = prefix
        self._size += prefix.size
        while self._size > self._capacity:
            _, dropped = self._prefixes.popitem(last=False)
            self._size -= dropped.size
