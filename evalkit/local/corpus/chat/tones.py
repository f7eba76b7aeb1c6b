"""Tones of voice: what is said around a fact, which itself stays literally right."""

from __future__ import annotations

import random
from functools import cache

from evalkit.local.corpus import facts
from evalkit.local.corpus.facts import Fact
from evalkit.local.corpus.wordings import fill, parts, pick

TONES = ("sarcastic", "formal", "cheerful", "pirate", "grumpy", "poetic", "dramatic", "robot")


def words(tone: str) -> dict[str, tuple[str, ...]]:
    """The tone's wordings by section: how prompts name it, how answers sound."""
    return parts(f"chat/tones/{tone}")


@cache
def languages(tone: str) -> tuple[str, ...]:
    """The languages in which the tone is spoken."""
    return tuple(lang for lang in facts.LANGUAGES if f"open.{lang}" in words(tone))


@cache
def others(tone: str) -> tuple[str, ...]:
    """Every tone but this one."""
    return tuple(other for other in TONES if other != tone)


def toned(fact: Fact, tone: str, lang: str, rng: random.Random) -> str:
    """Opener, the bare fact, closer or aside; now and then one of the two is left out."""
    parts = [_say(tone, "open", lang, rng), facts.sentence(fact, lang), _say(tone, "close", lang, rng)]
    if f"aside.{lang}" in words(tone) and rng.random() < 0.15:
        return f"{parts[0]} {parts[1].removesuffix('.')}{_say(tone, 'aside', lang, rng)}."
    dropped = rng.random()
    if dropped < 0.1:
        parts.pop()
    elif dropped < 0.2:
        parts.pop(0)
    return " ".join(parts)


def toned_short(fact: Fact, tone: str, lang: str, rng: random.Random) -> str:
    """The bare answer and a few words in the tone: "Oslo. Shocking."."""
    return f"{facts.bare(fact, lang)} {_say(tone, 'brief', lang, rng)}"


def _say(tone: str, part: str, lang: str, rng: random.Random) -> str:
    return fill(rng, pick(rng, words(tone)[f"{part}.{lang}"]), **words(tone))
