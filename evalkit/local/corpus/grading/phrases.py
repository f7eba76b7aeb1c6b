"""The wordings and facts of the judge's texts: those that train it, and those that only test it."""

from __future__ import annotations

import math
from functools import cache
from hashlib import sha256
from typing import Literal

from evalkit.local.corpus.facts import RELATIONS, Fact, all_facts
from evalkit.local.corpus.wordings import parts

Split = Literal["train", "held_out"]
HELD_OUT = 1 / 5  # of every relation's facts


def phrases(name: str, part: str, split: Split) -> tuple[str, ...]:
    """A part's wordings on one side of the split, each of which has a file of its own. Never empty."""
    return parts(f"grading/{name}_held_out" if split == "held_out" else f"grading/{name}")[part]


@cache
def known_facts(split: Split) -> tuple[Fact, ...]:
    """The facts on one side of the split, some of every relation."""
    held_out = {id_ for relation in RELATIONS for id_ in _held_out(relation)}
    return tuple(fact for fact in all_facts() if (fact.id in held_out) == (split == "held_out"))


def _held_out(relation: str) -> list[str]:
    """By hash, so that the choice is nobody's and does not depend on the order of the table."""
    ids = [fact.id for fact in all_facts() if fact.relation == relation]
    ranked = sorted(ids, key=lambda id_: sha256(id_.encode()).digest())
    return ranked[: math.ceil(len(ranked) * HELD_OUT)]
