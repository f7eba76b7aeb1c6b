"""Questions with passages of a company's handbook for suites/handbook, and their answers."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import entries
from evalkit.local.corpus.passages.manner import Manner
from evalkit.local.corpus.passages.retrieval import Passage, draw_passages, numbered, untold

PASSAGES = 3
MANNER = Manner(short=True, cite="[{}]", missing="The handbook does not cover this.")


def questions(rng: random.Random, count: int, *, held_out: bool) -> Iterator[tuple[str, str, str]]:
    """`count` times (topic, passages and question, answer); no passage tells every fifth."""
    known, world = entries(held_out=held_out), World(held_out)
    for place in range(count):
        passages = draw_passages(rng, known, world, PASSAGES)
        if place % 5 == 4:
            yield "untold", _asked(passages, untold(rng, passages, known, world)), str(MANNER.missing)
            continue
        number = 1 + place % PASSAGES
        fact = rng.choice(passages[number - 1])
        yield fact.entry.topic, _asked(passages, fact.question(rng)), MANNER.answer(fact, number)


def _asked(passages: Sequence[Passage], question: str) -> str:
    return f"{numbered(passages, '[{}]')}\n\nQuestion: {question}"
