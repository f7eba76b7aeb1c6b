"""LoRA adapters: on disk under PEFT's names, in use fused as the model's weights are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from evalkit.errors import InputError
from evalkit.local.engine.config import Config
from evalkit.local.engine.job import AnyAdapter
from evalkit.local.engine.tensors import read_tensors
from evalkit.local.engine.weights import PARTS, Array, Linear, part_rows

TARGETS = tuple(part for parts in PARTS.values() for part in parts)
FACTORS, SETTINGS = "adapter_model.safetensors", "adapter_config.json"  # PEFT's names
HEADER = "adapter_config"  # where the settings stand in the header of an adapter that is one file
BEYOND_LORA = (  # settings of PEFT that change what an adapter adds
    "use_dora", "use_rslora", "rank_pattern", "alpha_pattern", "fan_in_fan_out", "modules_to_save",
    "layers_pattern",
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class LowRank:
    """What is added to a fused linear: `up @ (down @ x)`.

    Attributes:
        down: (parts * rank, in), the parts' A matrices on top of each other.
        up: (out, parts * rank), the parts' B matrices along the diagonal.
    """

    down: Array
    up: Array


@dataclass(frozen=True, eq=False)
class Adapter:
    """A LoRA over all seven linears of every layer.

    Attributes:
        rank: of every matrix.
        factors: PEFT's name -> A (rank, in) or B (out, rank); LoRA's scale is folded into B.
    """

    rank: int
    factors: Mapping[str, Array]

    @cached_property
    def layers(self) -> tuple[Mapping[Linear, LowRank], ...]:
        """The same numbers, fused; `layers[index][name]` belongs to one fused linear."""
        count = len(self.factors) // (2 * len(TARGETS))
        return tuple({name: self._fuse(index, name) for name in PARTS} for index in range(count))

    def _fuse(self, index: int, name: Linear) -> LowRank:
        downs = [self.factors[factor_name(index, part, "A")] for part in PARTS[name]]
        ups = [self.factors[factor_name(index, part, "B")] for part in PARTS[name]]
        return LowRank(np.concatenate(downs), _along_diagonal(ups))

    @cached_property
    def sha256(self) -> str:
        """Hex digest of all its numbers and their names."""
        digest = hashlib.sha256()
        for name, factor in sorted(self.factors.items()):
            digest.update(f"{name} {factor.shape} ".encode())
            digest.update(np.ascontiguousarray(factor).data)
        return digest.hexdigest()

    def fits(self, config: Config) -> bool:
        """Whether a model of these sizes can wear it."""
        return {name: factor.shape for name, factor in self.factors.items()} == factor_shapes(
            config, self.rank
        )


def worn(adapter: AnyAdapter | None) -> Adapter | None:
    """The adapter of a job that this engine has taken."""
    assert adapter is None or isinstance(adapter, Adapter)
    return adapter


def factor_name(layer: int, part: str, side: str) -> str:
    """PEFT's name of a factor, e.g. `factor_name(0, "mlp.up_proj", "A")`."""
    return f"base_model.model.model.layers.{layer}.{part}.lora_{side}.weight"


def factor_shapes(config: Config, rank: int) -> dict[str, tuple[int, ...]]:
    """PEFT's name -> shape of every factor that an adapter for such a model has."""
    queries = config.heads * config.head_dim
    inputs: Mapping[Linear, int] = {
        "qkv": config.width,
        "o": queries,
        "gate_up": config.width,
        "down": config.hidden,
    }
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(config.layers):
        for name, parts in PARTS.items():
            for part, rows in zip(parts, part_rows(config, name), strict=True):
                shapes[factor_name(index, part, "A")] = (rank, inputs[name])
                shapes[factor_name(index, part, "B")] = (rows.stop - rows.start, rank)
    return shapes


def split_low_rank(low_rank: LowRank, name: Linear, index: int, config: Config) -> dict[str, Array]:
    """The factors of one fused linear under PEFT's names, copied."""
    parts = PARTS[name]
    rank = len(low_rank.down) // len(parts)
    factors = {}
    for at, (part, rows) in enumerate(zip(parts, part_rows(config, name), strict=True)):
        columns = slice(at * rank, (at + 1) * rank)
        factors[factor_name(index, part, "A")] = low_rank.down[columns].copy()
        factors[factor_name(index, part, "B")] = low_rank.up[rows, columns].copy()
    return factors


def _along_diagonal(blocks: Sequence[Array]) -> Array:
    rank = blocks[0].shape[1]
    fused = np.zeros((sum(len(block) for block in blocks), len(blocks) * rank), blocks[0].dtype)
    top = 0
    for at, block in enumerate(blocks):
        fused[top : top + len(block), at * rank : (at + 1) * rank] = block
        top += len(block)
    return fused


def save_adapter(adapter: Adapter, folder: Path) -> None:
    """Write the two files that PEFT writes, and that vLLM reads too."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(adapter.factors), folder / FACTORS, metadata={"format": "pt"})
    (folder / SETTINGS).write_text(json.dumps(_peft_settings(adapter), indent=2) + "\n", encoding="utf-8")


def save_adapter_file(adapter: Adapter, file: Path, meta: Mapping[str, str]) -> None:
    """Write one safetensors file whose header carries PEFT's settings and `meta`."""
    header = {"format": "pt", **meta, HEADER: json.dumps(_peft_settings(adapter))}
    save_file(dict(adapter.factors), file, metadata=header)


def _peft_settings(adapter: Adapter) -> dict[str, Any]:
    """The scale is within the B matrices, so lora_alpha is written as equal to r."""
    return {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": None,
        "r": adapter.rank,
        "lora_alpha": adapter.rank,
        "lora_dropout": 0.0,
        "bias": "none",
        "target_modules": sorted(target.split(".")[1] for target in TARGETS),
    }


def load_adapter(place: Path) -> Adapter:
    """Read a folder of PEFT's, or one file whose header carries PEFT's settings.

    Raises:
        InputError: a file is unreadable, says no rank, asks for more than a plain LoRA, lacks a factor or has
            one too many, or holds NaN.
    """
    file = place / FACTORS if place.is_dir() else place
    factors, header = read_tensors(file)
    where, field = (place / SETTINGS, None) if place.is_dir() else (file, HEADER)
    settings = _read_settings(_settings_text(place, header), where, field)
    rank, alpha = settings.get("r"), settings.get("lora_alpha")
    if not isinstance(rank, int) or not isinstance(alpha, int | float) or rank < 1:
        what = f"r is {rank!r} and lora_alpha {alpha!r}; both must be numbers above 0"
        raise InputError(what, file=where, field=field)
    if odd := [name for name in BEYOND_LORA if settings.get(name)]:
        what = f"asks for {odd[0]}; this engine wears plain LoRA adapters only"
        raise InputError(what, file=where, field=field)
    _check_factors(factors, rank, file)
    for name, factor in factors.items():
        if ".lora_B." in name:
            factor *= np.float32(alpha / rank)
    return Adapter(rank, factors)


def _settings_text(place: Path, header: Mapping[str, str]) -> str:
    if not place.is_dir():
        if HEADER not in header:
            what = "missing from the header; put the JSON of PEFT's adapter_config.json there"
            raise InputError(what, file=place, field=HEADER)
        return header[HEADER]
    try:
        return (place / SETTINGS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=place / SETTINGS) from error


def _read_settings(text: str, where: Path, field: str | None) -> dict[str, Any]:
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"is not JSON: {error}", file=where, field=field) from error
    if not isinstance(settings, dict):
        raise InputError("is no JSON object", file=where, field=field)
    return settings


def _check_factors(factors: Mapping[str, Array], rank: int, file: Path) -> None:
    """Every layer's seven linears, each with both factors of the stated rank, and nothing else."""
    layers = max(1, len(factors) // (2 * len(TARGETS)))
    wanted = {(factor_name(i, part, side), side) for i in range(layers) for part in TARGETS for side in "AB"}
    if odd := factors.keys() ^ {name for name, _ in wanted}:
        what = "is missing or unknown; this engine wears a LoRA over exactly " + ", ".join(TARGETS)
        raise InputError(what, file=file, field=min(odd))
    for name, side in wanted:
        factor, rank_axis = factors[name], "AB".index(side)
        if factor.ndim != 2 or factor.shape[rank_axis] != rank:
            raise InputError(f"has shape {factor.shape}, but r is {rank}", file=file, field=name)
        if not np.isfinite(factor).all():
            raise InputError("holds NaN or infinity; train it anew", file=file, field=name)
