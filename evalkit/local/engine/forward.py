"""The layers of a Llama over activations (features, tokens); prefill and decode share them.

A column's result must not depend on what stands in the other columns, nor on its place among them:
that is what makes an answer the same whoever shares the batch. See `inverse_rms` for what that forbids.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import Array, Linear, Model


class Project(Protocol):
    """How a fused linear of a layer is applied: its weight, and what adapters add."""

    def __call__(self, layer: int, name: Linear, x: Array, /) -> Array:
        """(in, tokens) -> (out, tokens)."""
        ...


class Attend(Protocol):
    """How queries find keys: stores keys and values where later tokens look, and mixes values."""

    def __call__(self, layer: int, query: Array, key: Array, value: Array, /) -> Array:
        """query (kv_heads, group, head_dim, tokens), key and value (kv_heads, head_dim, tokens).

        Returns the mixed values (heads * head_dim, tokens).
        """
        ...


@dataclass(frozen=True, slots=True)
class Rotation:
    """Rotary embedding at some positions: `cos` and `sin` are (head_dim / 2, tokens)."""

    cos: Array
    sin: Array

    def __call__(self, heads: Array) -> Array:
        """Turn (..., head_dim, tokens), its halves paired as in Hugging Face's Llama."""
        half = self.cos.shape[0]
        first, second = heads[..., :half, :], heads[..., half:, :]
        turned = np.empty_like(heads)
        np.subtract(first * self.cos, second * self.sin, out=turned[..., :half, :])
        np.add(second * self.cos, first * self.sin, out=turned[..., half:, :])
        return turned

    def back(self) -> Rotation:
        """The inverse, which is also what gradients are turned by."""
        return Rotation(self.cos, -self.sin)


def rotation(config: Config, positions: slice | NDArray[np.intp], dtype: Any = np.float32) -> Rotation:
    """The rotation of tokens at `positions`."""
    cos, sin = _rotation_table(config)
    return Rotation(cos[:, positions].astype(dtype), sin[:, positions].astype(dtype))


@lru_cache(maxsize=8)
def _rotation_table(config: Config) -> tuple[Array, Array]:
    """Cosine and sine, each (head_dim / 2, positions); some spare ones, as prompts are padded."""
    frequency = config.rope_theta ** -(np.arange(0, config.head_dim, 2) / config.head_dim)
    angle = frequency[:, None] * np.arange(config.positions + 64)
    return np.cos(angle), np.sin(angle)


def run_layers(
    model: Model, x: Array, rotate: Rotation, project: Project, attend: Attend, wanted: slice = slice(None)
) -> Array:
    """Embedded tokens (width, tokens) -> the residual stream after the last layer; overwrites `x`.

    `wanted` says whose result is needed: the last layer leaves the other tokens at their keys and values.
    """
    eps = model.config.norm_eps
    for index, layer in enumerate(model.layers):
        qkv = project(index, "qkv", rms_norm(x, layer.norm_attention, eps))
        mixed = attend(index, *split_heads(qkv, model.config, rotate))
        if index == model.config.layers - 1:
            x, mixed = np.ascontiguousarray(x[:, wanted]), np.ascontiguousarray(mixed[:, wanted])
        x += project(index, "o", mixed)
        gate_up = project(index, "gate_up", rms_norm(x, layer.norm_mlp, eps))
        x += project(index, "down", swiglu(gate_up))
    return x


def split_heads(qkv: Array, config: Config, rotate: Rotation) -> tuple[Array, Array, Array]:
    """qkv (features, tokens) -> rotated query, rotated key and value in the shapes of `Attend`."""
    tokens, size, kv_heads = qkv.shape[1], config.head_dim, config.kv_heads
    heads = qkv.reshape(-1, size, tokens)
    turned = rotate(heads[: config.heads + kv_heads])
    query = turned[: config.heads].reshape(kv_heads, -1, size, tokens)
    query *= query.dtype.type(size**-0.5)
    return query, turned[config.heads :], heads[config.heads + kv_heads :]


def logits(model: Model, x: Array) -> Array:
    """The residual stream (width, tokens) -> (tokens, vocab), each token's row contiguous."""
    return np.ascontiguousarray((model.head @ rms_norm(x, model.norm, model.config.norm_eps)).T)


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """Each column of (width, tokens) scaled to root mean square 1, then each row by its weight."""
    normed = x * inverse_rms(x, eps)
    normed *= weight[:, None]
    return normed


def inverse_rms(x: Array, eps: float) -> Array:
    """1 / root mean square of each column: (width, tokens) -> (tokens,).

    A plain sum: einsum may fuse multiply and add in the body of its loop but not in the rest of it,
    and a column's last bits would depend on its place.
    """
    mean_square = np.add.reduce(np.square(x), axis=0)
    mean_square /= x.shape[0]
    mean_square += x.dtype.type(eps)
    inverse: Array = 1 / np.sqrt(mean_square)
    return inverse


def swiglu(gate_up: Array) -> Array:
    """Gate above, up below, (2 * hidden, tokens) -> silu(gate) * up, (hidden, tokens)."""
    hidden = gate_up.shape[0] // 2
    gate, up = gate_up[:hidden], gate_up[hidden:]
    out = sigmoid(gate)
    out *= gate
    out *= up
    return out


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)); below -80 it is as small as float32 can tell from nothing."""
    out = np.maximum(x, x.dtype.type(-80))
    np.negative(out, out=out)
    np.exp(out, out=out)
    out += 1
    return np.reciprocal(out, out=out)
