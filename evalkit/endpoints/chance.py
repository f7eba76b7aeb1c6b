"""Refusals that come by chance, told from those that come of asking too much."""

from __future__ import annotations

from evalkit.endpoints.limits import Sent

WEIGHT = 1 / 32  # of the newest answer in a share

FEWEST_REFUSALS, MORE_REFUSALS = 8, 80
"""So many refusals while holding back must have come before it is given up, and more the larger the share was
at full speed: a limit that is far exceeded takes some refusals to be found."""

HELPED = 0.6
"""Holding back has helped where it leaves less than this part of the refusals."""


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
        self._fast = self._slow = 0.0
        self._refused_slow = 0
        self._held_since: int | None = None  # the number after which requests were held back, or let go again

    def answered(self, sent: Sent) -> None:
        """A request was let through."""
        self._count(sent, False)

    def refused(self, sent: Sent, last: int) -> None:
        """A request was refused; `last` is the number of the newest one."""
        self._count(sent, True)
        if self._held_since is None:
            self._held_since = last
        elif self.by_chance:
            if self._fast > min(3 * self._slow + 0.1, (1 + self._slow) / 2):
                self._turn(False, last)
        elif self._refused_slow >= self._enough and self._slow > HELPED * self._fast:
            self._fast = self._slow
            self._turn(True, last)

    @property
    def _enough(self) -> float:
        return FEWEST_REFUSALS + MORE_REFUSALS * self._fast

    def _count(self, sent: Sent, refused: bool) -> None:
        faster = self._fast + WEIGHT * (refused - self._fast)
        if self._held_since is None or (self.by_chance and sent.number > self._held_since):
            self._fast = faster
        elif sent.number <= self._held_since:  # sent before the speed was changed
            self._fast = self._fast if self.by_chance else max(self._fast, faster)
        else:
            self._slow += WEIGHT * (refused - self._slow)
            self._refused_slow += refused

    def _turn(self, by_chance: bool, last: int) -> None:
        self.by_chance, self._held_since = by_chance, last
        if not by_chance:
            self._slow, self._refused_slow = 0.0, 0
