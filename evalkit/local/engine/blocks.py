"""The parts of a layer, forward and backward; each forward returns what its backward needs.

Notation: `d_x` is the gradient of the loss with respect to `x`; activations are (features, tokens).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evalkit.local.engine.attention import causal_scores, sum_over_keys
from evalkit.local.engine.config import Config
from evalkit.local.engine.forward import Rotation, inverse_rms, sigmoid, split_heads
from evalkit.local.engine.packing import Pieces
from evalkit.local.engine.weights import Array


@dataclass(frozen=True, slots=True, eq=False)
class Normed:
    """RMS norm: `out = weight * normed`, `normed = x * scale`."""

    normed: Array
    scale: Array
    weight: Array
    out: Array

    @classmethod
    def forward(cls, x: Array, weight: Array, eps: float) -> Normed:
        """x (width, tokens), weight (width,)."""
        scale = inverse_rms(x, eps)
        normed = x * scale
        return cls(normed, scale, weight, normed * weight[:, None])

    def backward(self, d_out: Array) -> Array:
        """d_out -> d_x; what x's length contributed to the scale is taken out again."""
        d_x = d_out * self.weight[:, None]
        d_x -= self.normed * (d_x * self.normed).mean(axis=0)
        d_x *= self.scale
        return d_x


@dataclass(frozen=True, slots=True, eq=False)
class Gated:
    """silu(gate) * up; `gate_up` holds the one above the other."""

    gate_up: Array
    sigmoid: Array
    out: Array

    @classmethod
    def forward(cls, gate_up: Array) -> Gated:
        """(2 * hidden, tokens) -> out (hidden, tokens)."""
        hidden = len(gate_up) // 2
        activation = sigmoid(gate_up[:hidden])
        out = gate_up[:hidden] * activation
        out *= gate_up[hidden:]
        return cls(gate_up, activation, out)

    def backward(self, d_out: Array) -> Array:
        """d_out -> d_gate_up; silu'(g) = s + g * s * (1 - s) with s = sigmoid(g)."""
        hidden = len(d_out)
        gate, up = self.gate_up[:hidden], self.gate_up[hidden:]
        d_gate_up = np.empty_like(self.gate_up)
        d_gate, d_up = d_gate_up[:hidden], d_gate_up[hidden:]
        np.multiply(gate, self.sigmoid, out=d_up)  # silu(gate)
        np.subtract(1, self.sigmoid, out=d_gate)
        d_gate *= d_up
        d_gate += self.sigmoid
        d_gate *= up
        d_gate *= d_out
        d_up *= d_out
        return d_gate_up


@dataclass(frozen=True, slots=True, eq=False)
class Attended:
    """Causal attention in a packed batch: each piece looks at what it is the last of, see `Batch.pieces`.

    Attributes:
        query (kv_heads, group, head_dim, tokens), key and value (kv_heads, head_dim, tokens): rotated.
        weights: of each piece, (kv_heads, group, keys, tokens), summing to 1 over the keys.
        out: (heads * head_dim, tokens).
    """

    query: Array
    key: Array
    value: Array
    weights: tuple[Array, ...]
    out: Array

    @classmethod
    def forward(cls, qkv: Array, config: Config, rotate: Rotation, pieces: Pieces) -> Attended:
        """qkv (features, tokens) as the fused linear gives it."""
        query, key, value = split_heads(qkv, config, rotate)
        mixed = np.empty_like(query)
        weights = []
        for own, seen in pieces:
            looks = causal_scores(query[..., own], key[..., seen])
            looks /= sum_over_keys(looks)
            np.matmul(value[..., seen][:, None], looks, out=mixed[..., own])
            weights.append(looks)
        return cls(query, key, value, tuple(weights), mixed.reshape(-1, qkv.shape[1]))

    def backward(self, d_out: Array, rotate: Rotation, pieces: Pieces) -> Array:
        """d_out -> d_qkv."""
        d_mixed = d_out.reshape(self.query.shape)
        through_sum = (d_mixed * self.out.reshape(self.query.shape)).sum(axis=-2, keepdims=True)
        d_query, d_key, d_value = (np.zeros_like(kept) for kept in (self.query, self.key, self.value))
        for (own, seen), looks in zip(pieces, self.weights, strict=True):
            d_scores = self.value[..., seen][:, None].swapaxes(-1, -2) @ d_mixed[..., own]
            d_scores -= through_sum[..., own]
            d_scores *= looks
            np.matmul(self.key[..., seen][:, None], d_scores, out=d_query[..., own])
            d_key[..., seen] += (self.query[..., own] @ d_scores.swapaxes(-1, -2)).sum(axis=1)
            d_value[..., seen] += (d_mixed[..., own] @ looks.swapaxes(-1, -2)).sum(axis=1)
        return _join_heads(d_query, d_key, d_value, rotate.back())


def _join_heads(d_query: Array, d_key: Array, d_value: Array, turn_back: Rotation) -> Array:
    """The inverse of `split_heads`, for gradients."""
    size, tokens = d_key.shape[-2:]
    d_query *= d_query.dtype.type(size**-0.5)
    parts = (turn_back(d_query).reshape(-1, tokens), turn_back(d_key).reshape(-1, tokens))
    return np.concatenate((*parts, d_value.reshape(-1, tokens)))
