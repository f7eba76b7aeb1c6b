"""The embedded model's tokenizer, as a tiktoken encoding read from a Hugging Face folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import tiktoken

from evalkit.errors import InputError

NAME = "evalkit-tiny"


def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary -> that byte.

    Printable Latin-1 stands for itself, the other bytes for the letters from U+0100 on in order
    (the convention of GPT-2, which tokenizer.json inherits): a space is "Ġ".
    """
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


def load_encoding(folder: Path) -> tiktoken.Encoding:
    """The encoding in `folder`/tokenizer.json; its ids are the model's.

    Raises InputError where the file is missing or is not a byte-level BPE with one split pattern.
    """
    path = folder / "tokenizer.json"
    try:
        return encoding_from(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        what = f"cannot be read ({error.strerror}); a model's folder holds this file"
        raise InputError(what, file=path) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        what = f"is not a byte-level BPE tokenizer with one split pattern ({error!r}); take another model"
        raise InputError(what, file=path) from error


def encoding_from(tokenizer: dict[str, Any]) -> tiktoken.Encoding:
    """The encoding that a parsed tokenizer.json describes. A token's id is its rank: lower merges first."""
    byte_of = byte_letters()
    special = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    ranks = {
        bytes(byte_of[letter] for letter in token): rank
        for token, rank in tokenizer["model"]["vocab"].items()
        if token not in special
    }
    split = tokenizer["pre_tokenizer"]["pretokenizers"][0]
    return tiktoken.Encoding(
        NAME, pat_str=split["pattern"]["Regex"], mergeable_ranks=ranks, special_tokens=special
    )
