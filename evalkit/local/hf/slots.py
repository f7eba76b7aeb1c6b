"""The numbers behind the engine's schedule, by torch: a batch whose rows come and go; see `batch.Numbers`."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from transformers import DynamicCache

from evalkit.local.engine.cache import PrefixCache
from evalkit.local.engine.job import AnyAdapter
from evalkit.local.engine.weights import Array
from evalkit.local.hf.adapters import Wardrobe
from evalkit.local.hf.checkpoint import Checkpoint
from evalkit.local.hf.rows import Prefix, Rows, cache_of, keys_values

COUNT = 16
MAX_LEN = 4096  # tokens of prompt and answer: bounds the memory of a row
SHORTEST_PREFIX = 16  # a shorter one is quicker computed with the rest than apart from it
PREFIX_BYTES = 512 * 2**20


class HfSlots:
    """Slots of a model of transformers.

    Args:
        checkpoint: the base model.
        count: how many jobs are answered at once.
        max_len: the longest prompt and answer together; at most the model's positions.
    """

    def __init__(self, checkpoint: Checkpoint, count: int = COUNT, max_len: int = MAX_LEN):
        self.count, self.vocab = count, checkpoint.vocab
        self.max_len = min(max_len, checkpoint.positions)
        self._model: Any = checkpoint.model
        self._wardrobe, self._rows = Wardrobe(self._model), Rows()
        self._prefixes: PrefixCache[Prefix] = PrefixCache(PREFIX_BYTES)
        self._accepted = inspect.signature(self._model.forward).parameters.keys()

    def fits(self, adapter: AnyAdapter) -> bool:
        """Whether the model can wear it."""
        return self._wardrobe.fits(adapter)

    @torch.inference_mode()
    def prefill(
        self, slot: int, ids: Sequence[int], prefix: int, adapter: AnyAdapter | None
    ) -> tuple[Array, int]:
        """See `batch.Numbers`."""
        shared = tuple(ids[: min(prefix, len(ids) - 1)])  # the last token is computed: it tells the next one
        cache, cached = self._begun(shared if len(shared) >= SHORTEST_PREFIX else (), adapter)
        logprobs = self._run([ids[cache.get_seq_length() :]], cache, [adapter])
        self._rows.add(slot, len(ids), cache)
        return logprobs[0], cached

    @torch.inference_mode()
    def decode(
        self, ids: Sequence[int], positions: Sequence[int], adapters: Sequence[AnyAdapter | None]
    ) -> Array:
        """See `batch.Numbers`."""
        slots = self._rows.slots
        cache, mask = self._rows.grown()
        logprobs = self._run(
            [[ids[slot]] for slot in slots],
            cache,
            [adapters[slot] for slot in slots],
            position_ids=self._tensor([[positions[slot]] for slot in slots]),
            attention_mask=self._tensor(mask),
        )
        out = np.zeros((self.count, self.vocab), np.float32)
        out[slots] = logprobs
        return out

    @torch.inference_mode()
    def free(self, slot: int, length: int) -> None:
        """See `batch.Numbers`."""
        del length
        self._rows.remove(slot)

    def _begun(self, prefix: tuple[int, ...], adapter: AnyAdapter | None) -> tuple[DynamicCache, int]:
        """A prompt's cache with its prefix in it, and how many tokens of that were known already."""
        if not prefix:
            return DynamicCache(), 0
        key = (adapter.sha256 if adapter else None, prefix)
        if known := self._prefixes.get(key):
            return cache_of(known.layers), len(prefix)
        cache = DynamicCache()
        self._run([prefix], cache, [adapter])
        self._prefixes.put(key, Prefix(keys_values(cache)))
        return cache, 0

    def _run(
        self,
        ids: Sequence[Sequence[int]],
        cache: DynamicCache,
        adapters: Sequence[AnyAdapter | None],
        **places: Tensor,
    ) -> Array:
        """Compute tokens (rows, tokens) behind a cache -> log probabilities (rows, vocab) after the last."""
        inputs = {"input_ids": self._tensor(ids), "logits_to_keep": 1, **places}
        known = {name: value for name, value in inputs.items() if name in self._accepted}
        out = self._wardrobe(adapters, past_key_values=cache, use_cache=True, **known)
        logprobs: Array = out.logits[:, -1].float().log_softmax(-1).cpu().numpy()
        return logprobs

    def _tensor(self, values: Any) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=self._model.device)
