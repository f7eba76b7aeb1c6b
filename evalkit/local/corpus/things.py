"""Things, acts and people drawn from long lists, so that a model must read the words and cannot know them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from functools import cache

from evalkit.local.corpus.names import invented
from evalkit.local.corpus.wordings import capital, grouped, say

Values = Mapping[str, str]


def draw_thing(rng: random.Random) -> Values:
    """A thing as {thing.one} and {thing.many}: old copier, old copiers; some nouns are made up."""
    noun = rng.choice(_words("noun")) if rng.random() < 0.85 else invented(rng).lower()
    kind = rng.random()
    if kind < 0.45:
        noun = f"{rng.choice(_words('quality'))} {noun}"
    elif kind < 0.65:
        noun = f"{rng.choice(_words('noun'))} {noun}"
    return {"thing.one": noun, "thing.many": _with_s(noun)}


def draw_act(rng: random.Random) -> Values:
    """A verb as {act.do}, {act.s} and {act.ed}: copy, copies, copied."""
    act = rng.choice(_words("act"))
    stem = act[:-1] + "i" if act[-1] == "y" and act[-2] not in "aeo" else act
    return {"act.do": act, "act.s": _with_s(act), "act.ed": stem + ("d" if stem[-1] == "e" else "ed")}


def draw_people(rng: random.Random) -> Values:
    """Several people of one kind as {people}: night workers."""
    return {"people": _with_s(rng.choice(_words("person")))}


def odd_sentence(rng: random.Random) -> str:
    """A sentence that can be copied but not guessed."""
    said = say(rng, "odd_sentences", **draw_thing(rng), **draw_act(rng), **draw_people(rng))
    return capital(said) + rng.choice((".", ".", ".", "!", "")) if " " in said else said


def _with_s(word: str) -> str:
    """The plural of a noun, the third person of a verb.

    >>> [_with_s(word) for word in ("story", "play", "push", "lamp")]
    ['stories', 'plays', 'pushes', 'lamps']
    """
    if word[-1] == "y" and word[-2] not in "aeou":
        return f"{word[:-1]}ies"
    return word + ("es" if word.endswith(("s", "sh", "ch", "x")) else "s")


@cache
def _words(kind: str) -> tuple[str, ...]:
    return tuple(grouped("things")[kind][0].split("; "))
