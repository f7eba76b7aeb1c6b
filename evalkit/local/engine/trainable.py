"""What is trained: all weights, or the factors of a LoRA over frozen ones.

Either way the parameters lie in one vector and their gradients in another, so that the optimiser is a
handful of long vector operations; the arrays that the model computes with are views into them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.adapter import Adapter, LowRank, split_low_rank
from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import PARTS, Array, Layer, Linear, Model, part_rows


def views(vector: Array, shapes: Sequence[tuple[int, ...]]) -> Iterator[Array]:
    """Consecutive parts of a vector, seen in these shapes."""
    start = 0
    for shape in shapes:
        size = int(np.prod(shape))
        yield vector[start : start + size].reshape(shape)
        start += size


class FullTraining:
    """All weights of a copy of `base`."""

    def __init__(self, base: Model):
        arrays = list(_arrays(base))
        self.parameters = np.concatenate([array.ravel() for array in arrays])
        self.gradient = np.zeros_like(self.parameters)
        shapes = [array.shape for array in arrays]
        self._model = _assemble(base.config, views(self.parameters, shapes))
        self._slopes = _assemble(base.config, views(self.gradient, shapes))

    @property
    def rest(self) -> FullTraining:
        """See `backward.Sink`: nothing is frozen."""
        return self

    def model(self) -> Model:
        """The model as it stands."""
        return self._model

    def linear(self, layer: int, name: Linear, x: Array, d_out: Array) -> None:
        """See `backward.Sink`."""
        np.matmul(d_out, x.T, out=self._slopes.layers[layer].linear[name])

    def norm(self, layer: int | None, name: str, normed: Array, d_out: Array) -> None:
        """See `backward.RestSink`."""
        owner = self._slopes if layer is None else self._slopes.layers[layer]
        np.sum(d_out * normed, axis=1, out=getattr(owner, name))

    def head(self, x: Array, d_logits: Array) -> None:
        """See `backward.RestSink`."""
        self._slopes.embedding[:] = 0
        np.matmul(d_logits, x.T, out=self._slopes.head)

    def embedding(self, ids: NDArray[np.intp], d_x: Array) -> None:
        """See `backward.RestSink`; adds to what `head` left where the two are tied."""
        np.add.at(self._slopes.embedding, ids, d_x.T)

    def result(self) -> Model:
        """The trained model."""
        return self._model


def _arrays(model: Model) -> Iterator[Array]:
    """Every array of a model, in the order in which `_assemble` takes them."""
    yield model.embedding
    yield model.norm
    if not model.config.tied:
        yield model.head
    for layer in model.layers:
        yield layer.norm_attention
        yield layer.norm_mlp
        yield from (layer.linear[name] for name in PARTS)


def _assemble(config: Config, arrays: Iterator[Array]) -> Model:
    embedding, norm = next(arrays), next(arrays)
    head = embedding if config.tied else next(arrays)
    layers = tuple(
        Layer(
            norm_attention=next(arrays),
            norm_mlp=next(arrays),
            linear={name: next(arrays) for name in PARTS},
        )
        for _ in range(config.layers)
    )
    return Model(config, embedding, layers, norm, head)


class LoraTraining:
    """The factors of an adapter over the frozen weights of `base`.

    Every step works with merged weights: cheaper than two thin products beside each wide one, and the
    passes forward and backward need not know of LoRA. B starts at zero, A at random (`seed`).
    """

    rest = None

    def __init__(self, base: Model, rank: int, alpha: float, seed: int):
        self._base, self._rank, self._scale = base, rank, alpha / rank
        names = [(layer, name) for layer in range(base.config.layers) for name in PARTS]
        shapes = [shape for layer, name in names for shape in self._shapes(layer, name)]
        dtype = base.embedding.dtype
        self.parameters = np.zeros(sum(int(np.prod(shape)) for shape in shapes), dtype)
        self.gradient = np.zeros_like(self.parameters)
        self._factors = _pair_up(names, views(self.parameters, shapes))
        self._slopes = _pair_up(names, views(self.gradient, shapes))
        self._blocks = {name: self._block_mask(name) for name in PARTS}
        self._merged = _copy_linears(base)
        self._initialise(np.random.default_rng((seed, 0)))

    def _shapes(self, layer: int, name: Linear) -> tuple[tuple[int, int], tuple[int, int]]:
        out, width = self._base.layers[layer].linear[name].shape
        inner = len(PARTS[name]) * self._rank
        return (inner, width), (out, inner)

    def _block_mask(self, name: Linear) -> Array:
        """(out, parts * rank): 1 where a part's rows meet its own factor, 0 elsewhere."""
        rows = part_rows(self._base.config, name)
        mask = np.zeros((rows[-1].stop, len(rows) * self._rank), self.parameters.dtype)
        for at, part in enumerate(rows):
            mask[part, at * self._rank : (at + 1) * self._rank] = 1
        return mask

    def _initialise(self, chance: np.random.Generator) -> None:
        for factors in self._factors.values():
            width = factors.down.shape[1]
            factors.down[:] = chance.normal(0, width**-0.5, factors.down.shape)

    def model(self) -> Model:
        """The base with the factors merged in; the same arrays each time."""
        for (layer, name), factors in self._factors.items():
            merged = self._merged.layers[layer].linear[name]
            np.matmul(factors.up, factors.down * merged.dtype.type(self._scale), out=merged)
            merged += self._base.layers[layer].linear[name]
        return self._merged

    def linear(self, layer: int, name: Linear, x: Array, d_out: Array) -> None:
        """See `backward.Sink`; `weight = base + scale * up @ down`."""
        factors, slopes = self._factors[layer, name], self._slopes[layer, name]
        scale = x.dtype.type(self._scale)
        np.matmul(d_out, (scale * (factors.down @ x)).T, out=slopes.up)
        np.multiply(slopes.up, self._blocks[name], out=slopes.up)
        np.matmul(scale * (factors.up.T @ d_out), x.T, out=slopes.down)

    def result(self) -> Adapter:
        """The adapter, with the scale folded in."""
        factors: dict[str, Array] = {}
        for (layer, name), pair in self._factors.items():
            scaled = LowRank(pair.down, pair.up * pair.up.dtype.type(self._scale))
            factors |= split_low_rank(scaled, name, layer, self._base.config)
        return Adapter(self._rank, factors)


def _pair_up(
    names: Sequence[tuple[int, Linear]], arrays: Iterator[Array]
) -> dict[tuple[int, Linear], LowRank]:
    return {name: LowRank(down=next(arrays), up=next(arrays)) for name in names}


def _copy_linears(model: Model) -> Model:
    """A model whose linears may be overwritten; all else is shared."""
    layers = tuple(
        replace(layer, linear={name: weight.copy() for name, weight in layer.linear.items()})
        for layer in model.layers
    )
    return replace(model, layers=layers)
