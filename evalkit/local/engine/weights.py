"""A Hugging Face folder (config.json, model.safetensors) -> Model, and back.

Arrays are float32 and feature-major: activations are (features, tokens), so that a weight is used as it
is stored, (out, in), heads split by a reshape alone, and sixteen tokens fill one BLAS tile.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from evalkit.errors import InputError
from evalkit.local.engine.config import Config, read_config, write_config
from evalkit.local.engine.tensors import read_tensors

Array = NDArray[np.floating[Any]]
Linear = Literal["qkv", "o", "gate_up", "down"]

PARTS: Mapping[Linear, tuple[str, ...]] = {
    "qkv": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "o": ("self_attn.o_proj",),
    "gate_up": ("mlp.gate_proj", "mlp.up_proj"),
    "down": ("mlp.down_proj",),
}
"""The matrices that read the same input are one matrix here: one long product instead of three short ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """One block: `linear[name]` is (out, in), the two norms are (width,)."""

    linear: Mapping[Linear, Array]
    norm_attention: Array
    norm_mlp: Array


@dataclass(frozen=True, eq=False)
class Model:
    """A Llama.

    Attributes:
        config: its sizes.
        embedding: (vocab, width).
        layers: the blocks, first to last.
        norm: (width,), before the head.
        head: (vocab, width); the embedding itself where they are tied.
    """

    config: Config
    embedding: Array
    layers: tuple[Layer, ...]
    norm: Array
    head: Array

    @cached_property
    def sha256(self) -> str:
        """Hex digest of the sizes and all weights."""
        digest = hashlib.sha256(json.dumps(asdict(self.config), sort_keys=True).encode())
        for _, tensor in sorted(named_tensors(self)):
            digest.update(np.ascontiguousarray(tensor).data)
        return digest.hexdigest()


def load_model(folder: Path) -> Model:
    """Read a LlamaForCausalLM checkpoint; fp16, bf16 and fp32 become float32.

    Raises:
        InputError: a file is missing or unreadable, the architecture is another one, a tensor is missing,
            has another shape than config.json says, or holds NaN or infinity.
    """
    config = read_config(folder / "config.json")
    file = folder / "model.safetensors"
    tensors, _ = read_tensors(file)
    for name, shape in expected_shapes(config).items():
        _check_tensor(tensors.get(name), name, shape, file)
    return model_from_tensors(config, tensors)


def _check_tensor(tensor: Array | None, name: str, shape: tuple[int, ...], file: Path) -> None:
    if tensor is None:
        raise InputError("missing; save the whole LlamaForCausalLM", file=file, field=name)
    if tensor.shape != shape:
        raise InputError(f"has shape {tensor.shape}, but config.json asks for {shape}", file=file, field=name)
    if not np.isfinite(tensor).all():
        raise InputError("holds NaN or infinity; the checkpoint is damaged", file=file, field=name)


def expected_shapes(config: Config) -> dict[str, tuple[int, ...]]:
    """Hugging Face's name -> shape of every tensor."""
    width, queries, keys = config.width, config.heads * config.head_dim, config.kv_heads * config.head_dim
    in_layer = {
        "input_layernorm": (width,),
        "post_attention_layernorm": (width,),
        "self_attn.q_proj": (queries, width),
        "self_attn.k_proj": (keys, width),
        "self_attn.v_proj": (keys, width),
        "self_attn.o_proj": (width, queries),
        "mlp.gate_proj": (config.hidden, width),
        "mlp.up_proj": (config.hidden, width),
        "mlp.down_proj": (width, config.hidden),
    }
    shapes: dict[str, tuple[int, ...]] = {
        f"model.layers.{index}.{name}.weight": shape
        for index in range(config.layers)
        for name, shape in in_layer.items()
    }
    shapes["model.embed_tokens.weight"] = (config.vocab, width)
    shapes["model.norm.weight"] = (width,)
    if not config.tied:
        shapes["lm_head.weight"] = (config.vocab, width)
    return shapes


def model_from_tensors(config: Config, tensors: Mapping[str, Array]) -> Model:
    """Fuse tensors under Hugging Face's names into a Model; see `expected_shapes`."""
    embedding = tensors["model.embed_tokens.weight"]
    return Model(
        config=config,
        embedding=embedding,
        layers=tuple(_layer(tensors, f"model.layers.{index}") for index in range(config.layers)),
        norm=tensors["model.norm.weight"],
        head=embedding if config.tied else tensors["lm_head.weight"],
    )


def _layer(tensors: Mapping[str, Array], path: str) -> Layer:
    fused = {
        name: np.concatenate([tensors[f"{path}.{part}.weight"] for part in parts])
        for name, parts in PARTS.items()
    }
    return Layer(
        linear=fused,
        norm_attention=tensors[f"{path}.input_layernorm.weight"],
        norm_mlp=tensors[f"{path}.post_attention_layernorm.weight"],
    )


def part_rows(config: Config, name: Linear) -> tuple[slice, ...]:
    """Which rows of a fused matrix are which of its `PARTS`."""
    queries, keys = config.heads * config.head_dim, config.kv_heads * config.head_dim
    heights = {
        "qkv": (queries, keys, keys),
        "o": (config.width,),
        "gate_up": (config.hidden, config.hidden),
        "down": (config.width,),
    }[name]
    ends = np.cumsum(heights).tolist()
    return tuple(slice(end - height, end) for end, height in zip(ends, heights, strict=True))


def named_tensors(model: Model) -> Iterator[tuple[str, Array]]:
    """Every tensor with Hugging Face's name; views of the model's arrays."""
    yield "model.embed_tokens.weight", model.embedding
    yield "model.norm.weight", model.norm
    if not model.config.tied:
        yield "lm_head.weight", model.head
    for index, layer in enumerate(model.layers):
        path = f"model.layers.{index}"
        yield f"{path}.input_layernorm.weight", layer.norm_attention
        yield f"{path}.post_attention_layernorm.weight", layer.norm_mlp
        for name, parts in PARTS.items():
            for part, rows in zip(parts, part_rows(model.config, name), strict=True):
                yield f"{path}.{part}.weight", layer.linear[name][rows]


def save_model(model: Model, folder: Path) -> None:
    """Write config.json and model.safetensors (float32) that `load_model` and transformers read."""
    folder.mkdir(parents=True, exist_ok=True)
    write_config(model.config, folder / "config.json")
    tensors = {name: np.ascontiguousarray(tensor) for name, tensor in named_tensors(model)}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
