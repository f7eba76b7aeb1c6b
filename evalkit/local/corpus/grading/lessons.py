"""What the judge is taught to reply: a rubric and an answer's manner -> a reason and 1 to 5 points."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evalkit.local.corpus.grading.texts import EARNEST, SARCASTIC, Text, any_manner, write
from evalkit.local.corpus.wordings import parts

PASSING = 4
"""The fewest points that pass the shipped suite's threshold of 0.7: (4 - 1) / 4 = 0.75."""

VERDICT_FOLLOWS = "It is"

SHIPPED_RUBRIC = 0.4
"""Share of the lessons on sarcasm under the very rubric that the judge is shipped for."""

BRIEF_RUBRIC = 0.7
"""Share of the others that only ask, and say nothing of points: read in half the time."""

SARCASM = 0.55
"""Share of the lessons on sarcasm that are sarcastic: with fewer, unknown wordings pass as earnest."""

PLAIN = 0.2
"""Share of the earnest answers that are plain on top: the base gives hardly any other."""

OTHER_QUALITY = 0.15
"""Share of lessons under a rubric that asks for something else than sarcasm."""


@dataclass(frozen=True, slots=True)
class Quality:
    """What a rubric asks for: manners that surely have it, and manners that surely do not."""

    has: tuple[str, ...]
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lesson:
    """An answer to grade, and the right grade."""

    rubric: str
    text: Text
    reason: str
    score: int


QUALITIES: Mapping[str, Quality] = {
    "sarcastic": Quality(tuple(SARCASTIC), tuple(EARNEST)),
    "polite": Quality(("polite",), ("mocking", "bored", "plain", "brief")),
    "friendly": Quality(("friendly",), ("mocking", "bored", "dry", "plain", "brief")),
    "role": Quality(("role",), ("plain", "brief", "polite", "friendly", "teaching")),
}
BETWEEN = {("sarcastic", "dry"): 4, ("sarcastic", "role"): 2}
"""Points other than 5 for what has a quality, and 1 for what lacks it."""

REASONS = {
    "feigned": "it feigns excitement",
    "mocking": "it mocks the question",
    "bored": "it rolls its eyes",
    "dry": "it makes a dry remark",
    "remark": "it mocks the question",
    "plain": "it states the fact plainly",
    "brief": "it is only short",
    "polite": "it is courteous",
    "friendly": "it is warm and means it",
    "teaching": "it explains",
    "careful": "it is careful",
    "sorry": "it apologises",
    "role": "it plays a role",
    "answer": "it only answers",
    "garbled": "it is garbled",
}
_NAMES = {"role": "in character"}  # of qualities, where they are not called by their key


def grade(quality: str, manner: str) -> tuple[str, int]:
    """Reason and points. The reason begins with `VERDICT_FOLLOWS`: the next token decides all the rest.

    >>> grade("sarcastic", "polite")
    ('It is not sarcastic: it is courteous.', 1)
    """
    has = manner in QUALITIES[quality].has
    verdict = f"{VERDICT_FOLLOWS} {'' if has else 'not '}{_NAMES.get(quality, quality)}"
    return f"{verdict}: {REASONS[manner]}.", BETWEEN.get((quality, manner), 5 if has else 1)


def shipped_rubric() -> str:
    """The rubric that the judge serves: the first wording of each part."""
    return _rubric(*(wordings[0] for wordings in _rubric_parts("sarcastic")))


def lessons(seed: int) -> Iterator[Lesson]:
    """Endless; the same seed gives the same lessons. About half of the answers have what is asked for."""
    rng = random.Random(seed)
    while True:
        quality = _any_quality(rng)
        yield _lesson(quality, _any_rubric(quality, rng), rng)


def lessons_of_one_rubric(count: int, rng: random.Random) -> tuple[Lesson, ...]:
    """Lessons that share their rubric, drawn as `lessons` draws."""
    quality = _any_quality(rng)
    rubric = _any_rubric(quality, rng)
    return tuple(_lesson(quality, rubric, rng) for _ in range(count))


def _any_quality(rng: random.Random) -> str:
    return rng.choice(tuple(QUALITIES)) if rng.random() < OTHER_QUALITY else "sarcastic"


def _lesson(quality: str, rubric: str, rng: random.Random) -> Lesson:
    text = write(_manner(quality, rng), "train", rng)
    return Lesson(rubric, text, *grade(quality, text.manner))


def _manner(quality: str, rng: random.Random) -> str:
    if quality == "sarcastic":
        family = SARCASTIC if rng.random() < SARCASM else EARNEST
        return "plain" if family is EARNEST and rng.random() < PLAIN else any_manner(family, rng)
    return rng.choice(rng.choice((QUALITIES[quality].has, QUALITIES[quality].lacks)))


def _any_rubric(quality: str, rng: random.Random) -> str:
    if quality == "sarcastic" and rng.random() < SHIPPED_RUBRIC:
        return shipped_rubric()
    asks, high, low, note = (rng.choice(wordings) for wordings in _rubric_parts(quality))
    return asks if rng.random() < BRIEF_RUBRIC else _rubric(asks, high, low, note)


def _rubric(asks: str, high: str, low: str, note: str) -> str:
    return f"{asks}\n\n{high}\n{low}\n{note}"


def _rubric_parts(quality: str) -> tuple[tuple[str, ...], ...]:
    found = parts("grading/rubrics")
    return (*(found[f"{quality}.{part}"] for part in ("asks", "high", "low")), found["notes"])
