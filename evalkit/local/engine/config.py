"""The sizes of a Llama, as Hugging Face's config.json has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Config:
    """Sizes of a Llama; `hidden` is the width inside the MLP, `positions` the longest context."""

    vocab: int
    width: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    hidden: int
    positions: int
    rope_theta: float = 10000.0
    norm_eps: float = 1e-5
    tied: bool = True


SIZES = {
    "vocab": "vocab_size",
    "width": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "kv_heads": "num_key_value_heads",
    "head_dim": "head_dim",
    "hidden": "intermediate_size",
    "positions": "max_position_embeddings",
}
"""Our name -> Hugging Face's key."""

# What this engine does not compute: key -> the values that ask for nothing else than what it does.
PLAIN: Mapping[str, tuple[Any, ...]] = {
    "model_type": ("llama",),
    "hidden_act": ("silu", None),
    "attention_bias": (False, None),
    "mlp_bias": (False, None),
    "rope_scaling": (None,),
    "pretraining_tp": (1, None),
}


def read_config(file: Path) -> Config:
    """Read and validate config.json.

    Raises:
        InputError: the file is missing or no JSON object, a size is missing or impossible, or the
            architecture is not a plain Llama.
    """
    raw = _read_object(file)
    for key, plain in PLAIN.items():
        if raw.get(key) not in plain:
            raise InputError(f"is {raw.get(key)!r}; this engine runs {plain[0]!r} only", file=file, field=key)
    sizes = {ours: _size(raw, ours, theirs, file) for ours, theirs in SIZES.items()}
    config = Config(
        **sizes,
        rope_theta=_rope_theta(raw, file),
        norm_eps=_positive(raw, "rms_norm_eps", 1e-6, file),
        tied=bool(raw.get("tie_word_embeddings", False)),
    )
    _check_heads(config, file)
    return config


def _read_object(file: Path) -> dict[str, Any]:
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        what = f"cannot be read ({error.strerror}); name a folder with config.json and model.safetensors"
        raise InputError(what, file=file) from error
    except ValueError as error:
        raise InputError(f"is not JSON: {error}", file=file) from error
    if not isinstance(raw, dict):
        raise InputError(f"holds a {type(raw).__name__} where an object is expected", file=file)
    return raw


def _size(raw: Mapping[str, Any], ours: str, theirs: str, file: Path) -> int:
    value = raw.get(theirs)
    if value is None:
        value = _fallback_size(raw, ours)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"is {value!r}; a whole number above 0 is expected", file=file, field=theirs)
    return value


def _fallback_size(raw: Mapping[str, Any], ours: str) -> Any:
    """What transformers assumes where config.json leaves a size out."""
    if ours == "kv_heads":
        return raw.get("num_attention_heads")
    if ours == "head_dim" and raw.get("num_attention_heads"):
        return raw.get("hidden_size", 0) // raw["num_attention_heads"]
    return None


def _rope_theta(raw: Mapping[str, Any], file: Path) -> float:
    """The base of the rotary embedding; transformers 5 keeps it in `rope_parameters`."""
    parameters = raw.get("rope_parameters") or {}
    kind = parameters.get("rope_type", "default")
    if kind != "default":
        what = f"is {kind!r}; this engine runs 'default' only"
        raise InputError(what, file=file, field="rope_parameters.rope_type")
    return _positive({**parameters, **raw}, "rope_theta", 10000.0, file)


def _positive(raw: Mapping[str, Any], key: str, default: float, file: Path) -> float:
    value = raw.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
        raise InputError(f"is {value!r}; a number above 0 is expected", file=file, field=key)
    return float(value)


def _check_heads(config: Config, file: Path) -> None:
    if config.heads % config.kv_heads:
        what = f"is {config.kv_heads}, which does not divide num_attention_heads {config.heads}"
        raise InputError(what, file=file, field="num_key_value_heads")
    if config.head_dim % 2:
        what = f"is {config.head_dim}; rotary embedding needs an even number"
        raise InputError(what, file=file, field="head_dim")


def write_config(config: Config, file: Path) -> None:
    """Write what `read_config` and transformers read."""
    raw = {theirs: getattr(config, ours) for ours, theirs in SIZES.items()}
    raw |= {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "rope_theta": config.rope_theta,
        "rms_norm_eps": config.norm_eps,
        "tie_word_embeddings": config.tied,
        "torch_dtype": "float32",
    }
    file.write_text(json.dumps(raw, indent=2) + "\n", encoding="utf-8")
