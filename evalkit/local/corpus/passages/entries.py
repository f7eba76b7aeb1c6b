"""What a company's handbook may say: facts with numbers, names and days drawn at random.

An entry is a line of wordings/passages/entries.txt; those of entries_held_out.txt are kept out of training,
for the shipped suite. The entries of patterns.txt are about things, people and acts that are drawn too: a
model learns there to compare a question's words with a passage's, whatever the words are.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from evalkit.local.corpus.extract.notes import value
from evalkit.local.corpus.names import World, invented
from evalkit.local.corpus.things import Values, draw_act, draw_people, draw_thing
from evalkit.local.corpus.wordings import capital, fill, grouped, rows, slots

_NOTHING: Values = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Entry:
    """One kind of fact, in several wordings; a question may name what tells it from others of its kind."""

    topic: str
    says: tuple[str, ...]
    asks: tuple[str, ...]
    answer: str

    @property
    def keys(self) -> tuple[str, ...]:
        """The slots of its questions: they tell two of its facts apart. () = there can be only one."""
        return tuple(sorted(frozenset().union(*map(slots, self.asks))))


@dataclass(frozen=True, slots=True)
class Told:
    """A fact: an entry with its values, as one passage says it."""

    entry: Entry
    values: Values
    sentence: str

    @property
    def subject(self) -> tuple[object, ...]:
        """What a question must name to mean this fact."""
        return (self.entry, *(self.values[key] for key in self.entry.keys))

    @property
    def thing(self) -> Values:
        """What it tells of, for `tell`; empty where its entry names no drawn thing."""
        return {slot: word for slot, word in self.values.items() if slot.startswith("thing.")}

    @property
    def answer(self) -> str:
        """The short answer."""
        return fill(random.Random(0), self.entry.answer, **self.values)

    def question(self, rng: random.Random) -> str:
        """One of the ways to ask for it."""
        return capital(fill(rng, rng.choice(self.entry.asks), **self.values))


@cache
def entries(*, held_out: bool = False) -> tuple[Entry, ...]:
    """All entries of training, or those of the shipped suite's cases."""
    return _read("passages/entries_held_out" if held_out else "passages/entries")


@cache
def patterns() -> tuple[Entry, ...]:
    """All entries about things, people and acts that are drawn."""
    return _read("passages/patterns")


def tell(rng: random.Random, entry: Entry, world: World, about: Values = _NOTHING) -> Told:
    """The entry with values of its own, but for those that `about` gives."""
    says = rng.choice(entry.says)
    values = dict(about)
    for slot in sorted(slots(says).union(slots(entry.answer), *map(slots, entry.asks))):
        if slot not in values:
            values |= _drawn(rng, world, slot)
    return Told(entry, values, capital(fill(rng, says, **values)))


def _drawn(rng: random.Random, world: World, slot: str) -> Values:
    made = _FORMS.get(slot.partition(".")[0])
    return made(rng) if made else {slot: _VALUES[slot.rstrip("2")](rng, world)}


def _read(name: str) -> tuple[Entry, ...]:
    return tuple(
        Entry(topic, tuple(says.split("; ")), tuple(asks.split("; ")), answer)
        for topic, says, asks, answer in rows(name)
    )


def _word(kind: str) -> Callable[[random.Random, World], str]:
    return lambda rng, _: rng.choice(grouped("passages/words")[kind][0].split("; "))


def _number(numbers: Sequence[int]) -> Callable[[random.Random, World], str]:
    return lambda rng, _: str(rng.choice(numbers))


def _of_notes(kind: str) -> Callable[[random.Random, World], str]:
    return lambda rng, world: value(rng, world, kind)


_VALUES: Mapping[str, Callable[[random.Random, World], str]] = {
    "n": _number(range(2, 60)),
    "few": _number(range(2, 10)),
    "amount": _number(range(20, 980, 10)),
    "room": lambda rng, _: f"{rng.choice(('', 'A', 'B', 'C', 'D'))}{rng.randint(10, 499)}",
    "form": lambda rng, _: f"{rng.choice('ABCDEFGHKLMPRSTW')}-{rng.randint(1, 99)}",
    "project": lambda rng, world: rng.choice((invented(rng), world.mascot(rng), world.city(rng))),
    "name": _of_notes("full"),
    "city": _of_notes("city"),
    "time": _of_notes("time"),
    "date": _of_notes("date"),
    "email": _of_notes("email"),
    "phone": _of_notes("phone"),
    "day": _of_notes("weekday"),
    "month": _of_notes("month"),
    "matter": _word("matter"),
    "language": _word("language"),
    "colour": _word("colour"),
}
_FORMS: Mapping[str, Callable[[random.Random], Values]] = {
    "thing": draw_thing,
    "act": draw_act,
    "people": draw_people,
}
