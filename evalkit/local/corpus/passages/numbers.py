"""Episodes over a numbered list: the number under which something stands, and what stands under a number.

A model that is to name its source must first learn to keep in mind which entry it is reading.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import patterns
from evalkit.local.corpus.passages.retrieval import draw_passages
from evalkit.local.corpus.things import draw_people, draw_thing
from evalkit.local.corpus.wordings import fill, parts

_WORLD = World()
_FILE = "passages/numbers"
_MARKS = ("[{}]", "[{}]", "[{}]", "{}", "{}", "({})", "#{}", "{}.", "Passage {}:", "Entry {}:")
_CITES = ("[{}]", "[{}]", "[{}]", "({})", "#{}", "{}", "{}", "{}", "see {}", "<{}>")

Listed = tuple[str, Sequence[str]]
"""What stands in the list, and what may be asked for it."""


def number_episode(rng: random.Random) -> Episode:
    """Ten to fourteen questions over two to five entries, in words or in whole sentences."""
    listed = _words(rng) if rng.random() < 0.5 else _passages(rng)
    mark, cite = rng.choice(_MARKS), rng.choice(_CITES)
    numbers = range(1, len(listed) + 1) if rng.random() < 0.5 else rng.sample(range(1, 10), len(listed))
    pairs = list(zip(numbers, listed, strict=True))
    text = "\n".join(f"{mark.format(number)} {entry}" for number, (entry, _) in pairs)
    told = fill(rng, rng.choice(parts(_FILE)["system"]), cite=cite.format(1), other=cite.format(2))
    which, what = rng.choice(parts(_FILE)["which"]), rng.choice(parts(_FILE)["what"])
    turns = []
    for _ in range(rng.randint(10, 14)):
        number, (entry, keys) = rng.choice(pairs)
        if rng.random() < 0.8:
            turns.append(Turn(fill(rng, which, item=rng.choice(keys)), cite.format(number)))
        else:
            turns.append(Turn(fill(rng, what, n=number), entry))
    return Episode(told, tuple(turns), shared=f"{text}\n\n")


def _words(rng: random.Random) -> list[Listed]:
    """Things, people or names, each once."""
    kinds: tuple[Callable[[], str], ...] = (
        lambda: draw_thing(rng)["thing.one"],
        lambda: draw_people(rng)["people"],
        lambda: _WORLD.full(rng)[0],
        lambda: _WORLD.city(rng),
    )
    made = rng.choice(kinds)
    words = dict.fromkeys(made() for _ in range(rng.randint(2, 5)))
    return [(word, (word,)) for word in words]


def _passages(rng: random.Random) -> list[Listed]:
    """Facts, asked for by their sentence, by what they tell, or by a question; no two tell the same."""
    found = draw_passages(rng, patterns(), _WORLD, rng.choice((2, 3, 3, 4)))
    told = [fact.answer for passage in found for fact in passage]
    listed: list[Listed] = []
    for passage in found:
        keys = [key for fact in passage for key in (fact.sentence, fact.question(rng), fact.answer)]
        entry = " ".join(fact.sentence for fact in passage)
        listed.append((entry, [key for key in keys if told.count(key) < 2]))
    return listed
