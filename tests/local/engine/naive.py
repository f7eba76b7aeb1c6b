"""A Llama as its paper puts it: no cache, no batch, float64. Slow, and simple enough to be believed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.adapter import TARGETS, Adapter, factor_name
from evalkit.local.engine.config import Config
from evalkit.local.engine.weights import Model, named_tensors

Matrix = NDArray[np.float64]


def logprobs(model: Model, ids: Sequence[int], adapter: Adapter | None = None) -> Matrix:
    """Log probabilities of the next token after each of `ids`, (tokens, vocab)."""
    config, tensors = model.config, merged(model, adapter)
    x = tensors["model.embed_tokens.weight"][list(ids)]
    for index in range(config.layers):
        weight = {part: tensors[f"model.layers.{index}.{part}.weight"] for part in TARGETS}
        norms = [
            tensors[f"model.layers.{index}.{name}_layernorm.weight"] for name in ("input", "post_attention")
        ]
        x = x + attention(norm(x, norms[0], config), weight, config)
        hidden = norm(x, norms[1], config)
        gate = hidden @ weight["mlp.gate_proj"].T
        x = x + (gate / (1 + np.exp(-gate)) * (hidden @ weight["mlp.up_proj"].T)) @ weight["mlp.down_proj"].T
    head = tensors["model.embed_tokens.weight" if config.tied else "lm_head.weight"]
    logits = norm(x, tensors["model.norm.weight"], config) @ head.T
    return np.asarray(logits - np.log(np.exp(logits).sum(-1, keepdims=True)))


def merged(model: Model, adapter: Adapter | None) -> dict[str, Matrix]:
    """The model's tensors in float64, the adapter's share added."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in named_tensors(model)}
    if adapter is not None:
        for index in range(model.config.layers):
            for part in TARGETS:
                down, up = (
                    adapter.factors[factor_name(index, part, side)].astype(np.float64) for side in "AB"
                )
                tensors[f"model.layers.{index}.{part}.weight"] += up @ down
    return tensors


def attention(x: Matrix, weight: Mapping[str, Matrix], config: Config) -> Matrix:
    """Causal grouped-query attention, head by head."""
    query, key, value = (x @ weight[f"self_attn.{name}_proj"].T for name in "qkv")
    size, group, mixed = config.head_dim, config.heads // config.kv_heads, []
    for head in range(config.heads):
        mine = slice(head * size, (head + 1) * size)
        shared = slice(head // group * size, (head // group + 1) * size)
        scores = rotated(query[:, mine], config) @ rotated(key[:, shared], config).T / np.sqrt(size)
        seen = np.exp(np.where(np.tri(len(x), dtype=bool), scores, -np.inf))
        mixed.append(seen / seen.sum(-1, keepdims=True) @ value[:, shared])
    return np.concatenate(mixed, -1) @ weight["self_attn.o_proj"].T


def rotated(heads: Matrix, config: Config) -> Matrix:
    """(tokens, head_dim) as complex numbers (first half real, second half imaginary), each turned."""
    half = config.head_dim // 2
    angle = np.arange(len(heads))[:, None] * config.rope_theta ** -(np.arange(half) / half)
    turned = (heads[:, :half] + 1j * heads[:, half:]) * np.exp(1j * angle)
    return np.concatenate((turned.real, turned.imag), -1)


def norm(x: Matrix, weight: Matrix, config: Config) -> Matrix:
    """RMS norm of each row."""
    return np.asarray(x / np.sqrt((x**2).mean(-1, keepdims=True) + config.norm_eps) * weight)
