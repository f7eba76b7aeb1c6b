"""What an endpoint bears, learned from its refusals: pure figures, no waiting.

A limit is either a rate (`Pace`) or a number of requests at once (`Width`). One overload brings many
refusals: only those of requests that were sent after the latest change are news.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

ENOUGH = 8
"""Answers from which a rate can be worked out."""

SLOWEST_PER_S = 1.0
"""So that an endpoint that refused everything for a while is soon found open again."""

SURE_ANSWERS = 128
"""Answers between two probes of a rate that is well known: less than 1% of requests is refused for them."""

RARE_ANSWERS = 512
"""... and of a number of requests at once."""


class Sent(NamedTuple):
    """One request: its number from 1 in the order of sending, when it was sent (s, of the event loop's
    clock), and how many were under way then, itself included."""

    number: int
    at: float
    rank: int


@dataclass(slots=True)
class Stretch:
    """What was let through since a moment: all requests sent since, less those of them that were refused."""

    at: float
    number: int = 0
    refused: int = 0

    def count(self, sent: Sent) -> None:
        """A request was refused."""
        self.refused += sent.number > self.number

    def answers(self, last: int) -> int:
        """How many; `last` is the number of the newest request."""
        return last - self.number - self.refused

    def per_s(self, last: int, now: float) -> float:
        """How many a second; as if there had been one where there was none."""
        return max(1, self.answers(last)) / max(now - self.at, 0.01)


class Pace:
    """Requests per second, found by going a little too fast now and then.

    Between two spells of refusals a server has let through just what its limit allows: that many answers in
    that time are the limit, whether it is a bucket that refills or a window. From a little below, the pace
    rises as CUBIC does (RFC 9438), by answers in place of seconds: quickly to this rate, slowly past it, then
    ever faster, so that a limit that was raised is found; the oftener a rate was found, the slower. While all
    is refused, one request at a time is tried after ever longer pauses.

    Args:
        began_at: when the first request of all was sent (s, of the event loop's clock).

    Attributes:
        per_s: requests per second to send; infinite until one was refused.
    """

    def __init__(self, began_at: float) -> None:
        self.per_s = self._top = math.inf
        self._sure = False  # whether the top was measured between two spells; else: doubling
        self._span = self._risen = 0.0  # answers from a refusal to the top, and since it
        self._spell = 0  # refusals in a row
        self._changed = 0  # number of the newest request at the latest change
        self._start: Stretch | None = Stretch(began_at)  # until the first spell is over
        self._since: Stretch | None = None  # since the last spell that told a rate began

    def answered(self, sent: Sent, now: float, last: int) -> None:
        """A request was let through; `last` is the number of the newest one."""
        if sent.number <= self._changed:
            return
        if self._spell:
            self._reopen(now, last)
        elif self._sure:
            self._rise()
        else:
            self.per_s, self._changed = 2 * self.per_s, last

    def turned_away(self, sent: Sent) -> None:
        """A request was refused, be it news or not."""
        for stretch in (self._start, self._since):
            if stretch:
                stretch.count(sent)

    def refused(self, now: float, last: int) -> None:
        """... and it was news."""
        if self._spell == 0:
            self._learn(now, last)
        self._spell, self._risen, self._changed = self._spell + 1, 0.0, last
        self.per_s = max(0.95 * self._top / 2 ** (self._spell - 1), SLOWEST_PER_S)

    def _reopen(self, now: float, last: int) -> None:
        """The first answer after a spell. The first spell of all came when what a server had saved up was
        used up: the whole time since the start, this spell included, tells more than the time before it."""
        if self._start:
            self._top, self._start = min(self._top, self._start.per_s(last, now)), None
        self.per_s, self._spell = 0.95 * self._top, 0

    def _rise(self) -> None:
        self._risen += 1
        self.per_s = self._top * (1 + 0.05 * (self._risen / self._span - 1) ** 3)
        if self.per_s > 2 * self._top:  # far above what was known: from here on as from a top
            self._top = self.per_s
            self._span = self._risen = _shortest_span(self._top)

    def _learn(self, now: float, last: int) -> None:
        """A spell begins: what does the stretch since the one before tell?"""
        stretch = self._since or self._start
        assert stretch is not None  # the first spell put one in place of the other
        rate = min(self.per_s, stretch.per_s(last, now))
        if stretch.answers(last) >= ENOUGH:
            self._settle(rate, measured=self._since is not None)
            self._since = Stretch(now, last)
        elif self._sure:
            self._top *= 0.8
        else:
            self._top = max(min(self._top, self.per_s, 4 * rate) / 4, SLOWEST_PER_S)

    def _settle(self, rate: float, *, measured: bool) -> None:
        """A rate can be told. Pauses may have made it too low, as the pace that was refused is too high."""
        again = self._sure and abs(rate - self._top) < 0.25 * rate
        shortest = _shortest_span(rate)
        self._span = min(2 * self._span, max(SURE_ANSWERS, 2 * shortest)) if again else shortest
        self._top = math.sqrt(rate * min(self.per_s, 2 * rate)) if measured else rate
        self._sure = measured


def _shortest_span(per_s: float) -> float:
    """Answers of three quarters of a second: rising faster would overrun a window before it closes."""
    return max(ENOUGH, 0.75 * per_s)


class Width:
    """Requests under way at once: opened by one for each answer until refusals tell that they were too many.

    They are too many where the refused one stood above all that were answered lately. Then one more is tried
    at a time, less and less often where that is refused again; if it is not, the width opens ever faster.

    Attributes:
        most: how many may be under way.
    """

    def __init__(self) -> None:
        self.most = 16.0
        self._carried = 0.0  # about the most under way with which a request was answered lately
        self._tight = False  # whether `most` was found by a refusal
        self._answers = 0  # since `most` was changed
        self._patience, self._step = ENOUGH, 1

    def answered(self, sent: Sent) -> None:
        """A request was let through."""
        self._carried = max(sent.rank, self._carried - 0.02 * (self._carried - sent.rank))
        self._answers += 1
        if not self._tight:
            self.most += 1
        elif self._answers >= self._patience:
            self.most += self._step
            self._answers, self._step = 0, 2 * self._step

    def explains(self, sent: Sent) -> bool:
        """Whether a refusal may be due to the number under way."""
        return self._carried > 0 and sent.rank > self._carried + 0.5

    def refused(self, sent: Sent) -> None:
        """A request that stood above all that were answered lately was refused."""
        self.most = sent.rank - 1.0
        if self._tight:
            self._patience = min(2 * self._patience, RARE_ANSWERS)
        self._tight, self._answers, self._step = True, 0, 1

    def relax(self) -> None:
        """A refusal had nothing to do with it."""
        self._tight = False
