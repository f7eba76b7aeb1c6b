"""Short texts with a known label: tickets to support desks, reviews, news, mails, calls for help.

Some sentences about tickets' topics are kept out of training, for the shipped suite.
"""

import random

from evalkit.local.corpus.extract.notes import word
from evalkit.local.corpus.names import World
from evalkit.local.corpus.wordings import fill, grouped, lines, say

TICKETS = "tickets"


def families() -> tuple[str, ...]:
    """All kinds of texts that can be labelled; each is a file wordings/labels/FAMILY.txt."""
    return (TICKETS, "reviews", "news", "mails", "urgency")


def topics(family: str = TICKETS) -> tuple[str, ...]:
    """What a text of this family can be about."""
    return tuple(grouped(f"labels/{family}"))


def sentences(topic: str, *, family: str = TICKETS, held_out: bool = False) -> tuple[str, ...]:
    """Wordings of this topic: those of training, or the tickets' held-out ones."""
    return grouped(f"labels/{family}_held_out" if held_out else f"labels/{family}")[topic]


def ticket(rng: random.Random, topic: str, *, held_out: bool = False) -> str:
    """A customer's message about `topic`: one or two sentences, perhaps with a greeting and a signature."""
    slots = values(rng, World(held_out))
    told = rng.sample(sentences(topic, held_out=held_out), rng.choice((1, 1, 2)))
    parts = [fill(rng, line, **slots) for line in told]
    if rng.random() < 0.35:
        parts.insert(rng.choice((0, len(parts))), say(rng, "labels/fillers", **slots))
    if rng.random() < 0.35:
        parts.insert(0, say(rng, "labels/greetings"))
    if rng.random() < 0.2:
        parts.append(say(rng, "labels/sign_offs", **slots))
    return " ".join(parts)


def labelled_text(rng: random.Random, family: str, topic: str) -> str:
    """A text of training about `topic`."""
    if family == TICKETS:
        return ticket(rng, topic)
    count = 1 if family == "news" else rng.choice((1, 1, 2))
    slots = values(rng, World())
    return " ".join(fill(rng, line, **slots) for line in rng.sample(sentences(topic, family=family), count))


def values(rng: random.Random, world: World) -> dict[str, object]:
    """Values for all slots that these wordings use."""
    first, _ = world.first(rng)
    return {
        "first": first,
        "name": f"{first} {world.last(rng)}",
        "city": world.city(rng),
        "item": rng.choice(lines("labels/items")),
        "app": rng.choice(lines("labels/apps")),
        "day": word(rng, "weekday"),
        "day2": word(rng, "weekday"),
        "month": word(rng, "month"),
        "year": rng.randint(1990, 2024),
        "order": f"{rng.choice(('', '#', 'A-'))}{rng.randint(1000, 99999)}",
        "amount": rng.randint(5, 900),
        "amount2": rng.randint(5, 900),
        "n": rng.randint(2, 9),
    }
