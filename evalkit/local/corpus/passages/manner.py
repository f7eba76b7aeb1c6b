"""How questions over passages are to be answered, and system texts that say so."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.local.corpus.layout import Section, lay_out
from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import Told, entries, tell
from evalkit.local.corpus.speaker import Speaker
from evalkit.local.corpus.things import odd_sentence
from evalkit.local.corpus.wordings import capital, fill, parts, pick

FILE = "passages/systems"
_CITES = (*["[{}]"] * 7, "({})", "#{}", "({thing} {})", "- {thing} {}", "see {}", "<{}>")
_WORLD = World()

# Chances of each sentence of a part, in a short, a middling and a long text.
_CHANCES: Mapping[str, tuple[tuple[float, ...], ...]] = {
    "role": ((0.3,), (0.7,), (0.9,)),
    "task": ((0.4,), (0.6, 0.2), (0.8, 0.5)),
    "short": ((1, 0.1), (1, 0.4), (1, 0.6)),
    "full": ((1, 0.1), (1, 0.4), (1, 0.6)),
    "cite": ((1,), (1, 0.2), (1, 0.4)),
    "bare": ((), (0.2,), (0.3,)),
    "missing": ((1,), (1,), (1,)),
    "background": ((), (0.3,), (0.8, 0.6, 0.4)),
}


@dataclass(frozen=True, slots=True)
class Manner:
    """A way to answer; as it stands, in a sentence, and in one of many ways where no passage tells.

    cite: "[{}]" or another form for the passage's number; None = without.
    missing: what is said where no passage tells; None = the model's own words.
    """

    short: bool = False
    cite: str | None = None
    missing: str | None = None

    def answer(self, fact: Told, number: int) -> str:
        """The answer that passage `number` tells."""
        told = fact.answer if self.short else fact.sentence
        return f"{told} {self.cite.format(number)}" if self.cite else told

    def silence(self, rng: random.Random) -> str:
        """The answer where no passage tells."""
        return self.missing or pick(rng, parts(FILE)["unknown"])


def draw_manner(rng: random.Random, thing: str) -> Manner:
    """A manner that some instruction may ask for; `thing` is what it calls a passage."""
    cite = rng.choice(_CITES).replace("{thing}", thing) if rng.random() < 0.9 else None
    missing = _sentence(rng, thing) if rng.random() < 0.8 else None
    return Manner(rng.random() < 0.75, cite, missing)


def instruction(rng: random.Random, manner: Manner, thing: str) -> str:
    """A system text that asks for this manner, long or short; for the model's own, one that asks nothing."""
    speaker = Speaker(rng, FILE, _slots(rng, manner, thing))
    size = rng.choices((0, 1, 2), (30, 35, 35))[0]

    def some(part: str) -> tuple[str, ...]:
        return speaker.some(part, _CHANCES[part][size])

    if manner == Manner():
        return " ".join((*some("role"), speaker.say("task")))
    rules = [*some("short" if manner.short else "full"), *some("cite" if manner.cite else "bare")]
    rules += some("missing") if manner.missing else ()
    if rng.random() < 0.4:
        rng.shuffle(rules)
    spoken = {"role": some("role"), "task": some("task"), "rules": rules, "background": some("background")}
    return lay_out(rng, [Section(role, tuple(sentences)) for role, sentences in spoken.items()])


def plural(thing: str) -> str:
    """Several passages, by what one of them is called."""
    return f"{thing[:-1]}ies" if thing.endswith("y") else f"{thing}s"


def _sentence(rng: random.Random, thing: str) -> str:
    if rng.random() < 0.4:
        return odd_sentence(rng)
    line = rng.choice(parts(FILE)["sentence"])
    said = fill(rng, line, things=plural(thing), thing=thing, first=_WORLD.first(rng)[0])
    return capital(said).rstrip(".") + "." if " " in said else said


def _slots(rng: random.Random, manner: Manner, thing: str) -> Mapping[str, object]:
    samples = [tell(rng, rng.choice(entries()), _WORLD) for _ in range(3)]
    cite, number = manner.cite or "", rng.randint(1, 4)
    quote = rng.choice(('"{}"', '"{}"', "{}", "`{}`"))
    return {
        "things": plural(thing),
        "thing": thing,
        "subject": fill(rng, rng.choice(parts(FILE)["subject"])),
        "first": _WORLD.first(rng)[0],
        "city": _WORLD.city(rng),
        "city2": _WORLD.city(rng),
        "year": rng.randint(1890, 2020),
        "n": number,
        "cite": cite.format(number),
        "other": cite.format(number % 4 + 1),
        "cited": quote.format(manner.answer(samples[0], number)),
        "sample": quote.format(samples[1].answer),
        "sample2": quote.format(samples[2].answer),
        "colon": ":" if quote == "{}" else rng.choice((":", "")),
        "missing": quote.format(manner.missing or ""),
    }
