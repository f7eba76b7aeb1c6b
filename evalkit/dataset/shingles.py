"""Texts as sets of shingles (four letters in a row), and how alike two of them are: Jaccard's index.

What a text shares with many others of its file says nothing about it: `Headline:` before each, a passage of
instructions around each. Such shingles are the template's (`Commons`), and are left out.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Shingles: TypeAlias = npt.NDArray[np.uint32]
"""Sorted hashes of a text's shingles, each once."""

LETTERS = 4
MAX_LETTERS = 1_000_000
"""A longer text is known by its beginning."""

COMMON_SHARE = 0.1
COMMON_AT_LEAST = 5
"""A shingle is the template's if it stands in more than this share of the texts, and in more than so many."""

_BETWEEN_WORDS = re.compile(r"[\W_]+")
_POWERS = [np.uint64(pow(0x9E3779B97F4A7C15, power, 2**64)) for power in range(1, LETTERS + 1)]
_CELLS = 1 << 22


def normalised(text: str) -> str:
    """The words of a text in lower case, one space between: case, spaces and punctuation do not count.

    A text without any word (`?!`) stays as it is.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    return _BETWEEN_WORDS.sub(" ", folded).strip() or text.strip()


def shingles(text: str) -> Shingles:
    """The shingles of a normalised text; a text shorter than one is a shingle itself, "" has none."""
    padded = text[:MAX_LETTERS].ljust(LETTERS, "\0") if text else ""
    letters = np.frombuffer(padded.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.uint64)
    count = max(0, letters.size - LETTERS + 1)
    mixed = np.zeros(count, np.uint64)
    for place, power in enumerate(_POWERS):
        mixed += letters[place : place + count] * power  # wraps, as a polynomial hash does
    mixed ^= mixed >> np.uint64(29)
    mixed *= _POWERS[0]
    return _distinct((mixed >> np.uint64(32)).astype(np.uint32))


def _distinct(hashes: Shingles) -> Shingles:
    """numpy.unique, ten times as fast on so few."""
    hashes.sort()
    first = np.ones(hashes.size, bool)
    np.not_equal(hashes[1:], hashes[:-1], out=first[1:])
    return hashes[first]


def similarity(one: Shingles, other: Shingles) -> float:
    """Jaccard's index: what both have, of all that either has; 0 where one is empty."""
    if not one.size or not other.size:
        return 0.0
    both = np.intersect1d(one, other, assume_unique=True).size
    return float(both / (one.size + other.size - both))


class Commons:
    """In how many texts of a collection a shingle stands. Takes 16 MB, however many there are.

    Shingles that share a cell are counted together: in that rare case one too many is left out.
    """

    def __init__(self) -> None:
        self.texts = 0
        self._counts = np.zeros(_CELLS, np.uint32)

    def add(self, text: Shingles) -> None:
        """Count one text more."""
        self.texts += 1
        self._counts[text % _CELLS] += 1

    def own(self, text: Shingles) -> Shingles:
        """The text's shingles without those of the template."""
        return text[self._counts[text % _CELLS] <= most_own(self.texts)]


def most_own(texts: int) -> float:
    """In how many of so many texts something may stand and still be a text's own."""
    return max(COMMON_AT_LEAST, COMMON_SHARE * texts)
