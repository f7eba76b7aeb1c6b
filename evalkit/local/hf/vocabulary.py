"""The bytes of each token, read from a fast tokenizer's own data."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from evalkit.errors import UsageError
from evalkit.local.tokenizer import byte_letters

SPACE = "▁"  # U+2581: sentencepiece's letter for a space
_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")


def token_bytes(tokenizer: Any, size: int) -> tuple[bytes, ...]:
    """Give the bytes of tokens 0 to size - 1; b"" for special ones, and for rows that no token has.

    Args:
        tokenizer: a fast tokenizer of transformers.
        size: how many tokens the model knows.

    Raises:
        UsageError: the vocabulary is neither byte-level BPE nor in sentencepiece's spelling.
    """
    spell = _spelling(tokenizer)
    added = tokenizer.added_tokens_decoder
    out = [b""] * size
    for letters, token in tokenizer.get_vocab().items():
        if token < size and token not in added:
            out[token] = spell(letters)
    for token, found in added.items():
        if token < size and not found.special:
            out[token] = found.content.encode()
    return tuple(out)


def _spelling(tokenizer: Any) -> Callable[[str], bytes]:
    """Tell from its decoder how a tokenizer writes bytes as letters."""
    decoder = tokenizer.backend_tokenizer.decoder
    kinds = set(_kinds(json.loads(decoder.__getstate__()))) if decoder else set()
    if "ByteLevel" in kinds:
        return _byte_level
    if kinds & {"ByteFallback", "Metaspace"}:
        return _sentencepiece
    raise UsageError(
        f"{tokenizer.name_or_path}: its tokenizer ({', '.join(sorted(kinds)) or 'no decoder'}) is neither "
        "byte-level BPE nor sentencepiece, which are the ones that can be served"
    )


def _kinds(decoder: dict[str, Any]) -> list[str]:
    return [decoder["type"], *(kind for part in decoder.get("decoders", ()) for kind in _kinds(part))]


_BYTE_OF = byte_letters()


def _byte_level(letters: str) -> bytes:
    """`Ġthe` -> b" the"."""
    return bytes(_BYTE_OF[letter] for letter in letters)


def _sentencepiece(letters: str) -> bytes:
    """`▁the` -> b" the"; `<0x0A>` -> b"\\n"."""
    if byte := _BYTE.fullmatch(letters):
        return bytes.fromhex(byte[1])
    return letters.replace(SPACE, " ").encode()
