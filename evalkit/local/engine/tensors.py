"""safetensors -> float32 arrays, bf16 included (which numpy has no type for)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, deserialize, safe_open

from evalkit.errors import InputError


def _from_bf16(data: bytes) -> NDArray[np.float32]:
    """bf16 is the upper half of float32."""
    return (np.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")


_DECODERS: dict[str, Callable[[bytes], NDArray[Any]]] = {
    "F32": lambda data: np.frombuffer(data, "<f4"),
    "F16": lambda data: np.frombuffer(data, "<f2"),
    "BF16": _from_bf16,
}


def read_tensors(file: Path) -> tuple[dict[str, NDArray[np.float32]], dict[str, str]]:
    """All tensors of a safetensors file as writable float32, and the metadata of its header.

    Raises:
        InputError: the file is missing or damaged, or a tensor is neither fp32, fp16 nor bf16.
    """
    try:
        entries = deserialize(file.read_bytes())  # type: ignore[no-untyped-call]
        with safe_open(file, framework="numpy") as handle:
            metadata: dict[str, str] = handle.metadata() or {}
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror or error}", file=file) from error
    except SafetensorError as error:
        raise InputError(f"is no safetensors file: {error}", file=file) from error
    return {name: _decode(name, entry, file) for name, entry in entries}, metadata


def _decode(name: str, entry: dict[str, Any], file: Path) -> NDArray[np.float32]:
    decoder = _DECODERS.get(entry["dtype"])
    if decoder is None:
        what = f"has type {entry['dtype']}; save it as one of {', '.join(_DECODERS)}"
        raise InputError(what, file=file, field=name)
    return np.array(decoder(bytes(entry["data"])), dtype=np.float32).reshape(entry["shape"])
