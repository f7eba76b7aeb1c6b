"""The embedded model's encoding for tiktoken: `tiktoken.get_encoding("evalkit-tiny")`, offline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import evalkit.local
from evalkit.local.tokenizer import NAME, load_encoding


def _evalkit_tiny() -> dict[str, Any]:
    """Give the arguments of `tiktoken.Encoding`, as it pickles itself with."""
    arguments: dict[str, Any] = load_encoding(Path(evalkit.local.__file__).parent / "weights").__getstate__()
    return arguments


ENCODING_CONSTRUCTORS = {NAME: _evalkit_tiny}
