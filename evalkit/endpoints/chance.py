"""Refusals that come by chance, told from those that come of asking too much."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

from evalkit.endpoints.limits import Sent

WEIGHT = 1 / 32  # of the newest answer in the share of late

FEWEST_REFUSALS, MORE_REFUSALS = 8, 200
"""So many refusals while holding back must have come before it is given up, and more by the square of the
share at full speed: a limit that is far exceeded takes some refusals to be found."""

HELPED = 0.6
"""Holding back has helped where it leaves less than this part of the refusals."""


@dataclass(slots=True)
class Share:
    """How many of how many were refused. Not only of late: those of a window come many at a time."""

    refused: int = 0
    all: int = 0

    def add(self, refused: bool) -> None:
        """One more."""
        self.refused, self.all = self.refused + refused, self.all + 1

    @property
    def value(self) -> float:
        """0 before the first."""
        return self.refused / max(1, self.all)

    @property
    def at_least(self) -> float:
        """Less two standard errors: a share of few is not well known."""
        share = self.value
        return max(0.0, share - 2 * sqrt(share * (1 - share) / max(1, self.all)))


class Chance:
    """Compares what share of requests is refused at full speed and while they are held back.

    A server that bears only so much refuses hardly any once they come slowly enough. One that refuses by
    chance, whatever is asked of it, refuses as many as before: to wait for it would only take time. At full
    speed again, far more refusals than that tell that it was a limit after all.

    Attributes:
        by_chance: whether to ask at full speed, refusals or not.
    """

    def __init__(self) -> None:
        self.by_chance = False
        self._fast, self._slow = Share(), Share()
        self._late = 0.0  # the share of late, at full speed again
        self._changed: int | None = None  # number of the newest request when the speed was changed last

    def answered(self, sent: Sent) -> None:
        """A request was let through."""
        self._count(sent, False)

    def refused(self, sent: Sent, last: int) -> None:
        """A request was refused; `last` is the number of the newest one."""
        self._count(sent, True)
        slow = self._slow.value
        if self._changed is None:
            self._changed = last
        elif self.by_chance:
            if self._late > min(3 * slow + 0.1, (1 + slow) / 2):
                self.by_chance, self._changed = False, last
                self._fast, self._slow = Share(round(self._late / WEIGHT), round(1 / WEIGHT)), Share()
        elif self._slow.refused >= self._enough and slow > HELPED * self._fast.at_least:
            self.by_chance, self._changed, self._late = True, last, slow

    @property
    def _enough(self) -> float:
        return FEWEST_REFUSALS + MORE_REFUSALS * self._fast.value**2

    def _count(self, sent: Sent, refused: bool) -> None:
        """What was sent before a change of speed was sent at the other one."""
        before = self._changed is not None and sent.number <= self._changed
        if self._changed is None or (before and not self.by_chance):
            self._fast.add(refused)
        elif self.by_chance and not before:
            self._late += WEIGHT * (refused - self._late)
        else:
            self._slow.add(refused)
