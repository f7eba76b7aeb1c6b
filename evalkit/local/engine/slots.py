"""The numbers behind the engine: prompts are prefilled into slots, then all slots are decoded at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.adapter import Adapter, worn
from evalkit.local.engine.attention import DecodeAttention, PrefillAttention
from evalkit.local.engine.cache import Prefix, PrefixCache, SlotCache
from evalkit.local.engine.forward import logits, rotation, run_layers
from evalkit.local.engine.job import AnyAdapter
from evalkit.local.engine.projection import projection, slot_projection
from evalkit.local.engine.sampling import log_softmax
from evalkit.local.engine.weights import Array, Model

PIECE = 128
"""Tokens prefilled at once: with more, activations leave the processor's cache."""

SHORTEST_PREFIX = 16
"""A shorter prefix is quicker computed with the rest than apart from it."""

TILE = 16
"""Prompts are padded to a multiple of this, which BLAS is faster on."""


class Slots:
    """Keys and values of the running answers, and how to go on from them; see `batch.Numbers`."""

    def __init__(self, model: Model, count: int, max_len: int, prefix_bytes: int):
        self.count, self.max_len, self.vocab = count, max_len, model.config.vocab
        self._model = model
        self._cache = SlotCache(model.config, count, max_len)
        self._prefixes: PrefixCache[Prefix] = PrefixCache(prefix_bytes)

    def fits(self, adapter: AnyAdapter) -> bool:
        """Whether the model can wear it."""
        return isinstance(adapter, Adapter) and adapter.fits(self._model.config)

    def prefill(
        self, slot: int, ids: Sequence[int], prefix: int, adapter: AnyAdapter | None
    ) -> tuple[Array, int]:
        """Put a prompt into a free slot; its first `prefix` tokens are kept for the next who shares them.

        The prefix is computed apart from the rest even when nothing of it is cached, so that the rest
        starts from the same bits either way.

        Returns:
            the log probabilities after the last token, (vocab,), and how many tokens came from the cache.
        """
        wears = worn(adapter)
        prefix = min(prefix, len(ids) - 1)  # the last token is always computed: it gives the logits
        prefix = prefix if prefix >= SHORTEST_PREFIX else 0
        cached = self._prefill_prefix(slot, tuple(ids[:prefix]), wears) if prefix else 0
        return log_softmax(self._run(slot, ids, prefix, wears))[0], cached

    def _prefill_prefix(self, slot: int, ids: tuple[int, ...], adapter: Adapter | None) -> int:
        key = (adapter.sha256 if adapter else None, ids)
        if known := self._prefixes.get(key):
            self._cache.restore(slot, known)
            return len(ids)
        self._run(slot, ids, 0, adapter)
        self._prefixes.put(key, self._cache.save(slot, len(ids)))
        return 0

    def _run(self, slot: int, ids: Sequence[int], start: int, adapter: Adapter | None) -> Array:
        """Compute `ids[start:]` behind what is in the slot -> logits after the last one, (1, vocab)."""
        for piece in _pieces(start, len(ids)):
            x = self._run_piece(slot, ids[piece.start : piece.stop], piece.start, adapter)
        return logits(self._model, x)

    def _run_piece(self, slot: int, ids: Sequence[int], start: int, adapter: Adapter | None) -> Array:
        """At most `PIECE` tokens from position `start` on -> residual stream of the last one, (width, 1)."""
        padded = np.zeros(-(-len(ids) // TILE) * TILE, np.intp)
        padded[: len(ids)] = ids
        stop = start + len(padded)
        return run_layers(
            self._model,
            self._embed(padded),
            rotation(self._model.config, slice(start, stop)),
            projection(self._model, adapter),
            PrefillAttention(self._cache, slot, start, stop),
            wanted=slice(len(ids) - 1, len(ids)),
        )

    def decode(
        self, ids: Sequence[int], positions: Sequence[int], adapters: Sequence[AnyAdapter | None]
    ) -> Array:
        """One token further in every slot -> log probabilities (slots, vocab).

        ids, positions, adapters: the token that each slot goes on from, where it stands, and with which
        adapter; a free slot says 0, 0, None and its row means nothing.
        """
        at = np.array(positions, np.intp)
        x = run_layers(
            self._model,
            self._embed(np.array(ids, np.intp)),
            rotation(self._model.config, at),
            slot_projection(self._model, [worn(adapter) for adapter in adapters]),
            DecodeAttention(self._cache, at),
        )
        return log_softmax(logits(self._model, x))

    def free(self, slot: int, length: int) -> None:
        """Forget the first `length` tokens of a slot, and what padding wrote behind them."""
        self._cache.clear(slot, length + TILE)

    def _embed(self, ids: NDArray[np.intp]) -> Array:
        """(tokens,) -> (width, tokens)."""
        return np.ascontiguousarray(self._model.embedding[ids].T)


def _pieces(start: int, stop: int) -> Iterator[range]:
    for first in range(start, stop, PIECE):
        yield range(first, min(first + PIECE, stop))
