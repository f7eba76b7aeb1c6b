"""Wordings kept as plain text, one a line, and the small grammar in which they are written.

`[a|b|]` stands for one of the alternatives (not nested), `{slot}` for a value given by the caller.
A line of columns separates them with ` :: `, and `@name` begins a part of a file. Blank lines and
lines that start with `# ` are skipped.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import TypeVar

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_EXTRA_SPACE = re.compile(r"^ | (?= |[.,!?;:]( |$))")  # left behind by an empty alternative
_SLOT = re.compile(r"\{([\w.]+)\}")  # {lang} or {language.do}
_T = TypeVar("_T")


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of wordings/`name`.txt. Raises FileNotFoundError where there is no such file."""
    every = _read(f"wordings/{name}.txt").splitlines()
    return tuple(line for line in every if line.strip() and not line.startswith("# "))


@cache
def rows(name: str) -> tuple[tuple[str, ...], ...]:
    """The lines of wordings/`name`.txt, each split into its columns."""
    return tuple(tuple(line.split(" :: ")) for line in lines(name))


@cache
def grouped(name: str) -> Mapping[str, tuple[str, ...]]:
    """A file of two columns as {first column: all its second columns}."""
    groups: dict[str, list[str]] = {}
    for key, value in rows(name):
        groups.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in groups.items()}


@cache
def parts(name: str) -> dict[str, tuple[str, ...]]:
    """The lines of wordings/`name`.txt by the `@part` that they stand in."""
    found: dict[str, list[str]] = {}
    for line in lines(name):
        if line.startswith("@"):
            wordings = found.setdefault(line[1:], [])
        else:
            wordings.append(line)
    return {part: tuple(wordings) for part, wordings in found.items()}


def table(path: str) -> list[list[str]]:
    """The cells of a tab-separated file of this package, without its header line."""
    return [line.split("\t") for line in _read(path).splitlines()[1:] if line]


def pick(rng: random.Random, choices: tuple[_T, ...]) -> _T:
    """`rng.choice` at a third of its cost: the generator spends most of its time choosing."""
    return choices[int(rng.random() * len(choices))]


@cache
def slots(line: str) -> frozenset[str]:
    """The names of the slots in `line`."""
    return frozenset(_SLOT.findall(line))


def fill(rng: random.Random, line: str, /, **values: object) -> str:
    """`line` with its alternatives chosen and its slots filled.

    A tuple of wordings stands for one of them, which may hold slots itself; any other value is put in
    as it is, and never read as grammar. Raises KeyError for a slot without a value.
    """
    return _filled(rng, line, values)


def say(rng: random.Random, name: str, /, **values: object) -> str:
    """One random line of wordings/`name`.txt, filled."""
    return fill(rng, rng.choice(lines(name)), **values)


def capital(text: str) -> str:
    """The text with its first letter in upper case, past an opening quote or `¿`.

    >>> capital("¿qué?")
    '¿Qué?'
    """
    for i, char in enumerate(text):
        if char.isalnum():
            return text[:i] + char.upper() + text[i + 1 :]
    return text


def _filled(rng: random.Random, line: str, values: Mapping[str, object]) -> str:
    if "[" in line:
        line = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), line)
        line = _EXTRA_SPACE.sub("", line)
    return _SLOT.sub(lambda found: _value(rng, values[found[1]], values), line) if "{" in line else line


def _value(rng: random.Random, value: object, values: Mapping[str, object]) -> str:
    return _filled(rng, pick(rng, value), values) if isinstance(value, tuple) else str(value)


def _read(path: str) -> str:
    return (files(__package__) / path).read_text(encoding="utf-8")
