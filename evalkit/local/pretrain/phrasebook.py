"""Reads the data files of facts, tones and prompts, and fills the `{slots}` of a wording."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypeVar

_SLOT = re.compile(r"\{([\w.]+)\}")  # {lang} or {language.do}
_T = TypeVar("_T")


def rows(path: str) -> list[list[str]]:
    """The cells of a tab-separated file of this package, without its header line."""
    text = files("evalkit.local.pretrain").joinpath(path).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines()[1:] if line]


@cache
def sections(path: str) -> dict[str, tuple[str, ...]]:
    """The lines of a text file by the `[section]` they stand under; lines with `#` are comments."""
    text = files("evalkit.local.pretrain").joinpath(path).read_text(encoding="utf-8")
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            lines = found.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            lines.append(line)
    return {name: tuple(wordings) for name, wordings in found.items()}


def pick(rng: random.Random, choices: tuple[_T, ...]) -> _T:
    """`rng.choice` at a third of its cost: the generator spends most of its time choosing."""
    return choices[int(rng.random() * len(choices))]


def fill(wording: str, rng: random.Random, slots: Mapping[str, tuple[str, ...]]) -> str:
    """Replaces each `{slot}` by one of its wordings, which may hold slots themselves.

    Raises KeyError where a wording names a slot that nobody provides.
    """
    while "{" in wording:
        wording = _SLOT.sub(lambda slot: pick(rng, slots[slot[1]]), wording)
    return wording


def capital(text: str) -> str:
    """The text with its first letter in upper case, past an opening quote or `¿`.

    >>> capital("¿qué?")
    '¿Qué?'
    """
    for i, char in enumerate(text):
        if char.isalnum():
            return text[:i] + char.upper() + text[i + 1 :]
    return text
