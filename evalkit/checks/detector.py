"""How likely a text is in each language: py3langid's probabilities, helped by small words.

A detector reads letters, and names mislead it: to py3langid "La capital del Perú es Lima." is Extremaduran,
and "Sweden is in Europe." Dutch. Articles, prepositions and the like (small_words.txt, a line a language)
speak against names, and languages that few texts are written in must show more evidence than the others.
"""

from __future__ import annotations

import math
import threading
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Protocol

import regex


def _lists(name: str) -> dict[str, frozenset[str]]:
    """A word list of the package: the first word of each line -> the others."""
    lines = resources.files(__package__).joinpath(name).read_text("utf-8").splitlines()
    return {first: frozenset(others) for first, *others in map(str.split, lines)}


# py3langid's languages with two letters, Norwegian's forms as one; the "other" are no rivals
_GROUPS = _lists("languages.txt")
COMMON, RARE = _GROUPS["common"], _GROUPS["rare"]
LANGUAGES = COMMON | RARE | _GROUPS["other"]

RARE_COSTS = 2.0  # in natural logarithms of probability, like the next; both fitted, see language.py
SMALL_WORD_COUNTS = 1.0
LEAST_PROBABILITY = 0.05  # of the likeliest language; below it, and without small words, nothing is known

_WORD = regex.compile(r"\p{L}+'?")


class Identifier(Protocol):
    """What is used of py3langid."""

    def rank(self, text: str) -> list[tuple[str, float]]:
        """All languages with their probabilities."""
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for each language in a text.

    Attributes:
        scores: natural logarithms of probability, small words counted in.
        small_words: how many of a language's small words it has.
        words: runs of letters.
        known: whether it looks like any language at all.
    """

    scores: Mapping[str, float]
    small_words: Mapping[str, int]
    words: int
    known: bool

    def margin(self, expected: str) -> tuple[float, str]:
        """How far the expected language is before the likeliest other one, which is named."""
        rival, score = max(
            ((language, self._as_rival(language)) for language in self.scores if language != expected),
            key=lambda pair: pair[1],
        )
        return self.scores[expected] - score, rival

    def _as_rival(self, language: str) -> float:
        if language in COMMON:
            return self.scores[language]
        return self.scores[language] - RARE_COSTS if language in RARE else -math.inf


def evidence(text: str) -> Evidence:
    """Weigh a text. The first call loads the model."""
    probabilities = dict(_identifier().rank(text))
    probabilities["no"] += probabilities.pop("nn")  # Bokmål and Nynorsk
    found = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", text).replace("’", "'"))]
    hits = {language: sum(word in small for word in found) for language, small in _small_words().items()}
    scores = {
        language: math.log(max(probability, 1e-30)) + SMALL_WORD_COUNTS * hits.get(language, 0)
        for language, probability in probabilities.items()
    }
    known = bool(found) and (max(probabilities.values()) >= LEAST_PROBABILITY or any(hits.values()))
    return Evidence(scores, hits, len(found), known)


_loading = threading.Lock()


def _identifier() -> Identifier:
    with _loading:  # checks run in threads, and the model takes 100 MiB
        return _loaded()


@cache
def _loaded() -> Identifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier: Identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return identifier


@cache
def _small_words() -> dict[str, frozenset[str]]:
    return _lists("small_words.txt")
