"""Wordings kept as plain text, one a line, and the small grammar in which they are written.

`[a|b|]` stands for one of the alternatives (not nested), `{slot}` for a value given by the caller.
A line of columns separates them with ` :: `. Blank lines and lines that start with `# ` are skipped.
"""

import random
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_EXTRA_SPACE = re.compile(r"^ | (?= |[.,!?;:]( |$))")  # left behind by an empty alternative
_SLOT = re.compile(r"\{(\w+)\}")


@cache
def lines(name: str) -> tuple[str, ...]:
    """The lines of wordings/`name`.txt. Raises FileNotFoundError where there is no such file."""
    text = (files(__package__) / "wordings" / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line.strip() and not line.startswith("# "))


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
def slots(line: str) -> frozenset[str]:
    """The names of the slots in `line`."""
    return frozenset(_SLOT.findall(line))


def fill(rng: random.Random, line: str, /, **values: object) -> str:
    """`line` with its alternatives chosen and its slots filled; values are never read as grammar.

    Raises KeyError for a slot without a value.
    """
    if "[" in line:
        line = _CHOICE.sub(lambda found: rng.choice(found[1].split("|")), line)
        line = _EXTRA_SPACE.sub("", line)
    return _SLOT.sub(lambda found: str(values[found[1]]), line) if "{" in line else line


def say(rng: random.Random, name: str, /, **values: object) -> str:
    """One random line of wordings/`name`.txt, filled."""
    return fill(rng, rng.choice(lines(name)), **values)
