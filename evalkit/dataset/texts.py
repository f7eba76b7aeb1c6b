"""The rules for any text in an example: what a tokenizer or an encoder would stumble over."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from evalkit.dataset.finding import Fault

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|endofprompt|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|im_sep|>",
)
_SPECIAL = re.compile("|".join(map(re.escape, SPECIAL_TOKENS)))
_SURROGATE = re.compile("[\ud800-\udfff]")


def text_faults(example: Any, raw: bytes) -> Iterator[Fault]:
    """Special tokens, halves of surrogate pairs and NUL characters, wherever in the example they stand.

    None of them can come from a line that holds neither `<|` nor an escape: most lines are done with at once.
    """
    if b"<|" in raw or b"\\u" in raw:
        for at, text in _texts(example, ""):
            yield from _faults(text, at)


def _texts(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """Every text in the value, keys included, with the field in which it stands."""
    if isinstance(value, str):
        yield at, value
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _texts(item, f"{at}[{i}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            field = f"{at}.{key}" if at else key
            yield field, key
            yield from _texts(item, field)


def _faults(text: str, at: str) -> Iterator[Fault]:
    if found := _SPECIAL.search(text):
        yield Fault("special_token", f"{at}: found {found[0]}", "leave it out, or break it up with a space")
    if found := _SURROGATE.search(text):
        yield Fault(
            "lone_surrogate", f"{at}: found \\u{ord(found[0]):04x} alone", "write the whole character"
        )
    if "\x00" in text:
        yield Fault("nul_character", f"{at}: found \\u0000", "remove it")
