"""Plain data -> JSON: a line, fast (msgspec takes a tenth of the standard library's time), or a file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec


def encode(value: Any) -> bytes:
    """Compact JSON in UTF-8; text that is no valid Unicode (a lone surrogate) is escaped.

    Args:
        value: dictionaries, lists, tuples, texts, numbers, booleans and None, or subclasses of them.

    Raises:
        TypeError: it holds something else.
    """
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"), default=_plain).encode()


def write_whole(path: Path, value: Any) -> None:
    """Write JSON, indented, so that a reader, or a later run, finds either the old file or the new one.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    part = path.with_name(f"{path.name}.part")
    with part.open("w", encoding="utf-8") as file:
        json.dump(value, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _plain(value: Any) -> Any:
    """What msgspec, which knows exact types alone, is to write in place of a value."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, str):
        return "".join(value)
    if isinstance(value, int | float):  # one that remembers how it was written
        return value + 0
    raise TypeError(f"found a {type(value).__name__}, which JSON cannot hold")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
