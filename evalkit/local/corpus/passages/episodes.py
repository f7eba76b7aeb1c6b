"""Episodes of several questions over the same passages, under an instruction or none."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import Entry, entries, patterns
from evalkit.local.corpus.passages.manner import FILE, Manner, draw_manner, instruction, plural
from evalkit.local.corpus.passages.retrieval import Passage, draw_passages, numbered, untold
from evalkit.local.corpus.wordings import fill, parts

_WORLD = World()
_MARKS = (*["[{}]"] * 8, "({})", "#{}", "{}.", "Passage {}:", "Source {}:", "{})")


def passage_episode(rng: random.Random) -> Episode:
    """Up to twelve questions over two to four passages, which the system text or the user's begins with."""
    thing = rng.choice(parts(FILE)["thing"])
    manner = draw_manner(rng, thing) if rng.random() < 0.75 else Manner()
    known = rng.choice((entries(), patterns(), patterns()))
    passages = draw_passages(rng, known, _WORLD, rng.choice((2, 3, 3, 4)))
    turns, context = _turns(rng, passages, manner, known), _context(rng, passages, thing)
    told = instruction(rng, manner, thing) if manner != Manner() or rng.random() < 0.2 else ""
    drawn = rng.random()
    if drawn < 0.2:
        return Episode("\n\n".join(part for part in (told, context) if part), turns)
    if drawn < 0.3 and told:
        return Episode("", turns, shared=f"{told}\n\n{context}\n\n")
    return Episode(told, turns, shared=f"{context}\n\n")


def _context(rng: random.Random, passages: Sequence[Passage], thing: str) -> str:
    listed = numbered(passages, rng.choice(_MARKS), rng.choice(("\n", "\n", "\n\n")))
    if rng.random() < 0.5:
        return listed
    intro = fill(rng, rng.choice(parts(FILE)["intro"]), things=plural(thing))
    return f"{intro}\n{listed}"


def _turns(
    rng: random.Random, passages: Sequence[Passage], manner: Manner, known: Sequence[Entry]
) -> tuple[Turn, ...]:
    """Questions that the passages answer, and some that they do not, all asked in one form."""
    told = [(fact, number) for number, passage in enumerate(passages, 1) for fact in passage]
    chosen = rng.sample(told * 2, min(2 * len(told), rng.randint(6, 9)))  # one may be asked in two ways
    pairs = [(fact.question(rng), manner.answer(fact, number)) for fact, number in chosen]
    unknown = rng.choice((1, 1, 2, 2, 3))
    pairs += [(untold(rng, passages, known, _WORLD), manner.silence(rng)) for _ in range(unknown)]
    ask = rng.choice(parts(FILE)["ask"])
    return tuple(Turn(fill(rng, ask, q=question), answer) for question, answer in pairs)
