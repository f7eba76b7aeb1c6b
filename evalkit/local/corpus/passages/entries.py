"""What a company's handbook may say: facts with numbers, names and days drawn at random.

An entry is a line of wordings/passages/entries.txt; those of entries_held_out.txt are kept out of training,
for the shipped suite.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from evalkit.local.corpus.extract.notes import value
from evalkit.local.corpus.names import World, invented
from evalkit.local.corpus.wordings import capital, fill, grouped, rows, slots


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
    values: Mapping[str, object]
    sentence: str

    @property
    def subject(self) -> tuple[object, ...]:
        """What a question must name to mean this fact."""
        return (self.entry, *(self.values[key] for key in self.entry.keys))

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
    found = rows("passages/entries_held_out" if held_out else "passages/entries")
    return tuple(
        Entry(topic, tuple(says.split("; ")), tuple(asks.split("; ")), answer)
        for topic, says, asks, answer in found
    )


def tell(rng: random.Random, entry: Entry, world: World) -> Told:
    """The entry with values of its own."""
    says = rng.choice(entry.says)
    wanted = slots(says).union(slots(entry.answer), *map(slots, entry.asks))
    values = {slot: _VALUES[slot.rstrip("2")](rng, world) for slot in sorted(wanted)}
    return Told(entry, values, capital(fill(rng, says, **values)))


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
}
