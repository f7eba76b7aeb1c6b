"""The wordings of the judge's texts, parted into those that train it and those that only test it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import Literal

from evalkit.local.corpus.facts import RELATIONS, Fact, all_facts
from evalkit.local.corpus.wordings import parts

Split = Literal["train", "held_out"]
HELD_OUT = 1 / 5  # of every part's wordings, and of every relation's facts


@cache
def phrases(name: str, part: str, split: Split) -> tuple[str, ...]:
    """A part's wordings on one side of the split: none of them is ever on the other. Never empty."""
    return _side(parts(f"grading/{name}")[part], split)


@cache
def known_facts(split: Split) -> tuple[Fact, ...]:
    """The facts on one side of the split, some of every relation."""
    by_relation = ([fact for fact in all_facts() if fact.relation == name] for name in RELATIONS)
    ids = {id_ for group in by_relation for id_ in _side([fact.id for fact in group], split)}
    return tuple(fact for fact in all_facts() if fact.id in ids)


def _side(wordings: Sequence[str], split: Split) -> tuple[str, ...]:
    """By hash, so that the choice is nobody's and does not depend on the order of lines."""
    ranked = sorted(wordings, key=lambda wording: sha256(wording.encode()).digest())
    cut = math.ceil(len(ranked) * HELD_OUT)
    chosen = set(ranked[:cut] if split == "held_out" else ranked[cut:])
    return tuple(wording for wording in wordings if wording in chosen)
