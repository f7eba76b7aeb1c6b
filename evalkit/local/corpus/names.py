"""Names of people, cities and teams: known ones, random ones that nobody has seen, and a held-out part.

Gender has to be known by heart, so all first names occur in training. Last names, cities and mascots
must be copied rather than recalled: most of them are random syllables, and the held-out ones
(for the shipped suites) never occur in training.
"""

import random
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

Gender = Literal["male", "female"]
GENDERS: tuple[Gender, ...] = ("male", "female")

# Share of last names, cities and mascots in training that are made of random syllables.
_RANDOM_LAST, _RANDOM_CITY, _RANDOM_MASCOT = 0.6, 0.4, 0.3


@cache
def _names(name: str) -> tuple[str, ...]:
    text = (files(__package__) / "names" / f"{name}.txt").read_text(encoding="utf-8")
    return tuple(text.split("\n")[:-1])


@cache
def _syllables() -> dict[str, tuple[str, ...]]:
    """Parts of invented names by kind; a part that is listed twice comes twice as often."""
    return {kind: tuple(parts) for kind, *parts in (line.split() for line in _names("syllables"))}


def held_out_last() -> tuple[str, ...]:
    """Last names that never occur in training."""
    return _names("last_held_out")


def held_out_cities() -> tuple[str, ...]:
    """Cities that never occur in training."""
    return _names("city_held_out")


def held_out_mascots() -> tuple[str, ...]:
    """Team mascots that never occur in training."""
    return _names("mascot_held_out")


def first_names(gender: Gender) -> tuple[str, ...]:
    """First names of a clear gender; all of them occur in training."""
    return _names(f"first_{gender}")


@cache
def _held_out() -> frozenset[str]:
    return frozenset(held_out_last() + held_out_cities() + held_out_mascots())


def invented(rng: random.Random, ending: str = "") -> str:
    """A capitalised word of one to three random syllables; never a held-out name.

    It often ends as names do: `ending` is "last_ending", "city_ending" or "" for neither.
    """
    while True:
        word = "".join(_syllable(rng) for _ in range(rng.choices((1, 2, 3), (3, 5, 1))[0]))
        if ending and len(word) < 8 and rng.random() < 0.6:
            word += rng.choice(_syllables()[ending])
        if len(word) > 2 and word.capitalize() not in _held_out():
            return word.capitalize()


def _syllable(rng: random.Random) -> str:
    parts = _syllables()
    onset = rng.choice(parts["onset"]) if rng.random() < 0.9 else ""
    coda = rng.choice(parts["coda"]) if rng.random() < 0.45 else ""
    return onset + rng.choice(parts["vowel"]) + coda


@dataclass(frozen=True, slots=True)
class World:
    """Where names are drawn from: training's world, or the held-out one; they share only first names."""

    held_out: bool = False

    def first(self, rng: random.Random) -> tuple[str, Gender]:
        """A first name and the gender that goes with it."""
        gender = rng.choice(GENDERS)
        return rng.choice(first_names(gender)), gender

    def last(self, rng: random.Random) -> str:
        """A last name; in training mostly an invented one, now and then hyphenated."""
        if self.held_out:
            return rng.choice(held_out_last())
        if rng.random() < 0.03:
            return f"{rng.choice(_names('last'))}-{invented(rng, 'last_ending')}"
        if rng.random() < _RANDOM_LAST:
            prefix = rng.choices(("", "O'", "Mc", "De ", "Van "), (92, 2, 2, 2, 2))[0]
            return prefix + invented(rng, "last_ending")
        return rng.choice(_names("last"))

    def full(self, rng: random.Random) -> tuple[str, Gender]:
        """A first and a last name, and the gender that the first one tells."""
        first, gender = self.first(rng)
        return f"{first} {self.last(rng)}", gender

    def city(self, rng: random.Random) -> str:
        """A city, in training partly an invented one."""
        if self.held_out:
            return rng.choice(held_out_cities())
        return invented(rng, "city_ending") if rng.random() < _RANDOM_CITY else rng.choice(_names("city"))

    def mascot(self, rng: random.Random) -> str:
        """What a team calls itself: Hawks, Tornadoes."""
        if self.held_out:
            return rng.choice(held_out_mascots())
        return invented(rng) + "s" if rng.random() < _RANDOM_MASCOT else rng.choice(_names("mascot"))

    def team(self, rng: random.Random) -> str:
        """A team's name: 'Boston Hawks', 'Hawks', 'Lyon United', 'FC Basel'."""
        kind = rng.random()
        if kind < 0.55:
            return f"{self.city(rng)} {self.mascot(rng)}"
        if kind < 0.75:
            return self.mascot(rng)
        if kind < 0.95:
            return f"{self.city(rng)} {rng.choice(_names('team_word'))}"
        return f"{rng.choice(('FC', 'Real', 'Inter', 'Sporting'))} {self.city(rng)}"


def with_article(team: str) -> str:
    """The team as it stands inside a sentence: 'the Boston Hawks', but 'Lyon United'."""
    return f"the {team}" if team.endswith("s") and team.split()[-1] not in _names("team_word") else team


def possessive(name: str) -> str:
    """Hawks' or Lyon United's."""
    return name + ("'" if name.endswith("s") else "'s")
