"""A few passages as a search would fetch them, and questions that none of them answers."""

from __future__ import annotations

import random
from collections.abc import Sequence

from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import Entry, Told, patterns, tell
from evalkit.local.corpus.things import Values, draw_thing

Passage = Sequence[Told]
PATTERN_TOPICS = frozenset(entry.topic for entry in patterns())


def draw_passages(rng: random.Random, known: Sequence[Entry], world: World, count: int) -> list[Passage]:
    """`count` passages of one to three facts each, no two of which answer the same question."""
    topics = sorted({entry.topic for entry in known})
    found: list[Passage] = []
    while len(found) < count:
        said = subjects(found)
        topic = found[-1][0].entry.topic if found and rng.random() < 0.4 else rng.choice(topics)
        fitting = [entry for entry in known if entry.topic == topic and (entry.keys or (entry,) not in said)]
        chosen = rng.sample(fitting, min(len(fitting), rng.choice((1, 1, 2, 2, 3))))
        about: Values = {}
        if topic in PATTERN_TOPICS:
            chosen, about = _alike(rng, found, chosen)
        facts = [tell(rng, entry, world, about) for entry in chosen]
        if facts and not said.intersection(fact.subject for fact in facts):
            found.append(facts)
    return found


def _alike(rng: random.Random, found: Sequence[Passage], chosen: list[Entry]) -> tuple[list[Entry], Values]:
    """The chosen, at times of one thing; or what is like an earlier fact: its thing, or its pattern alone."""
    earlier = [fact for passage in found for fact in passage if fact.entry.topic in PATTERN_TOPICS]
    drawn = rng.random()
    if earlier and drawn < 0.25:
        return [rng.choice(earlier).entry], {}
    things = [fact.thing for fact in earlier if fact.thing]
    if things and drawn < 0.5:
        return chosen, rng.choice(things)
    return chosen, draw_thing(rng) if drawn > 0.75 else {}


def subjects(passages: Sequence[Passage]) -> set[tuple[object, ...]]:
    """What can be asked about the passages."""
    return {fact.subject for passage in passages for fact in passage}


def numbered(passages: Sequence[Passage], mark: str, gap: str = "\n") -> str:
    """The passages with their numbers, from 1 on, in the form of `mark`: "[{}]", say."""
    return gap.join(
        f"{mark.format(number)} {' '.join(fact.sentence for fact in passage)}"
        for number, passage in enumerate(passages, 1)
    )


def untold(rng: random.Random, passages: Sequence[Passage], known: Sequence[Entry], world: World) -> str:
    """A question that no passage answers; half of the time about something that they touch."""
    said = subjects(passages)
    near = {fact.entry.topic for passage in passages for fact in passage} if rng.random() < 0.5 else set()
    free = [entry for entry in known if entry.keys or (entry,) not in said]
    close = [entry for entry in free if entry.topic in near] or free
    things = [fact.thing for passage in passages for fact in passage if fact.thing] if near else []
    about = rng.choice(things) if things else {}
    while (fact := tell(rng, rng.choice(close), world, about)).subject in said:
        pass
    return fact.question(rng)
