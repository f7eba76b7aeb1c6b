"""How a linear is applied: with no adapter, with one, or with another one in every slot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.forward import Project
from evalkit.local.engine.weights import Array, Linear, Model


def projection(model: Model, adapter: Adapter | None) -> Project:
    """The same adapter, or none, for all tokens."""

    def project(layer: int, name: Linear, x: Array) -> Array:
        out = model.layers[layer].linear[name] @ x
        if adapter is not None:
            low_rank = adapter.layers[layer][name]
            out += low_rank.up @ (low_rank.down @ x)
        return out

    return project


@dataclass(frozen=True, slots=True)
class Worn:
    """An adapter and who wears it: `by` (slots,) is 1 for its slots and 0 for all others."""

    adapter: Adapter
    by: Array


def slot_projection(model: Model, adapters: Sequence[Adapter | None]) -> Project:
    """Token t wears `adapters[t]`.

    Every adapter is applied to all tokens and then masked, so that no product's shape depends on
    how many slots wear it; the others receive exact zeros.
    """
    worn = [
        Worn(adapter, np.array([other is adapter for other in adapters], np.float32))
        for adapter in dict.fromkeys(adapters)
        if adapter is not None
    ]

    def project(layer: int, name: Linear, x: Array) -> Array:
        out = model.layers[layer].linear[name] @ x
        for wearing in worn:
            low_rank = wearing.adapter.layers[layer][name]
            inner = low_rank.down @ x
            inner *= wearing.by
            out += low_rank.up @ inner
        return out

    return project
