"""What the base model does by itself: asked for nothing, it chats about the text that it was given."""

import random

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.extract.notes import HEADLINE, domains, text_and_facts, thing
from evalkit.local.corpus.names import World
from evalkit.local.corpus.wordings import say


def plain_episode(rng: random.Random, world: World) -> Episode:
    """Headlines or notes with chatty answers, under no instruction or one that asks for nothing."""
    system = say(rng, "extract/plain_systems") if rng.random() < 0.2 else ""
    return Episode(system, tuple(_chat(rng, world) for _ in range(rng.randint(5, 9))))


def _chat(rng: random.Random, world: World) -> Turn:
    domain = HEADLINE if rng.random() < 0.65 else rng.choice(domains())
    text, facts = text_and_facts(rng, world, domain)
    if domain != HEADLINE:
        return Turn(text, say(rng, "extract/plain_note", **thing(rng, domain)).strip())
    who = facts["player"] or facts["team"]
    return Turn(
        text, say(rng, "extract/plain_headline", who=who) if who else say(rng, "extract/plain_nobody")
    )
