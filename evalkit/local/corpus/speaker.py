"""Sentences of one file of wordings, as one author writes them: with the same values throughout."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalkit.local.corpus.wordings import capital, fill, parts, pick


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says lines of wordings/`file`.txt by their `@part`; `slots` are filled in all of them."""

    rng: random.Random
    file: str
    slots: Mapping[str, object]

    def say(self, part: str, **more: object) -> str:
        """One line of the part."""
        line = pick(self.rng, parts(self.file)[part])
        return capital(fill(self.rng, line, **{**self.slots, **more}))

    def some(self, part: str, chances: Sequence[float]) -> tuple[str, ...]:
        """Different lines of the part: one with each of the chances."""
        return tuple(dict.fromkeys(self.say(part) for chance in chances if self.rng.random() < chance))
