"""How many requests one endpoint is sent, and how fast: as the server's refusals and headers tell."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Mapping
from types import TracebackType

from evalkit.endpoints.chance import Chance
from evalkit.endpoints.limits import Pace, Sent, Width
from evalkit.endpoints.quotas import Quotas

ROUNDED_S = 1.0
"""Servers round Retry-After up to whole seconds: a second may mean any moment before it."""

LATE_S = 0.002
"""How much of a delay of its own (timers, other work on the loop) a paced sender makes up for."""

LISTENED = 32
"""Answers after which a server that told no limits is seldom listened to: looking takes time."""


class Turn:
    """One request under way; entered as `async with throttle.turn() as turn`."""

    __slots__ = ("_heard", "_refused", "_throttle", "sent")

    sent: Sent

    def __init__(self, throttle: Throttle):
        self._throttle, self._heard, self._refused = throttle, False, False

    async def __aenter__(self) -> Turn:
        self.sent = self._throttle._begun() or await self._throttle._waited()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._throttle._ended(self.sent, let_through=self._heard and not self._refused)

    def heard(self, headers: Mapping[str, str]) -> None:
        """Any HTTP answer came, with these headers."""
        self._heard = True
        self._throttle._told(self.sent, headers)

    def refused(self, retry_after_s: float | None) -> None:
        """The answer was a 429, perhaps with a time to wait."""
        self._refused = True
        self._throttle._refused(self.sent, retry_after_s)


class Throttle:
    """Lets requests to one endpoint begin in the order in which they came, as soon as its limits allow.

    Nothing runs in the background: what ends lets the next one begin, or sets one timer for it. To be used on
    one event loop, whose clock it goes by.

    Args:
        most: requests under way at once, as configured; None sets no limit.
    """

    def __init__(self, most: int | None = None):
        self._most = math.inf if most is None else most
        self._pace: Pace | None = None  # until a request is refused
        self._width, self._quotas, self._chance = Width(), Quotas(), Chance()
        self._under_way, self._sent, self._last_cut = 0, 0, 0
        self._began_at = self._next_at = self._closed_until = self._open_by = 0.0
        self._waiting: deque[asyncio.Future[Sent]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def turn(self) -> Turn:
        """A place for one request: waited for on entering, given back on leaving."""
        return Turn(self)

    def _begun(self) -> Sent | None:
        """Begin at once where nobody waits and nothing forbids it."""
        if self._waiting:
            return None
        now = _now()
        return self._begin(now) if self._wide_enough() and self._opens_at() <= now else None

    async def _waited(self) -> Sent:
        place: asyncio.Future[Sent] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._admit()
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():  # begun and cancelled in the same moment
                self._ended(place.result(), let_through=False)
            raise

    def _admit(self) -> None:
        """Let begin whoever may; set the timer for the next one where only time is in the way."""
        loop = asyncio.get_running_loop()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting and self._wide_enough():
            if self._waiting[0].done():  # cancelled
                self._waiting.popleft()
                continue
            now = loop.time()
            opens_at = self._opens_at()
            if opens_at > now:
                self._timer = loop.call_at(opens_at, self._admit)
                return
            self._waiting.popleft().set_result(self._begin(now))

    def _wide_enough(self) -> bool:
        width = math.inf if self._chance.by_chance else self._width.most
        return self._under_way < self._most and self._under_way < width

    def _opens_at(self) -> float:
        """When the next request may begin, on the event loop's clock."""
        if self._chance.by_chance:
            return self._quotas.closed_until
        return max(self._next_at, self._closed_until, self._quotas.closed_until)

    def _begin(self, now: float) -> Sent:
        self._under_way += 1
        self._sent += 1
        if self._sent == 1:
            self._began_at = now
        if self._quotas or self._held_to:
            self._next_at = max(self._next_at, now - LATE_S) + 1 / self._per_s(now)
        return Sent(self._sent, now, self._under_way)

    def _per_s(self, now: float) -> float:
        return min(self._held_to.per_s if self._held_to else math.inf, self._quotas.per_s(now))

    @property
    def _held_to(self) -> Pace | None:
        """The pace to go by; none before a refusal, or where refusals come by chance."""
        return None if self._chance.by_chance else self._pace

    def _ended(self, sent: Sent, *, let_through: bool) -> None:
        self._under_way -= 1
        if let_through:
            self._chance.answered(sent)
            self._width.answered(sent)
            if self._pace:
                self._pace.answered(sent, _now(), self._sent)
        if self._waiting:
            self._admit()

    def _told(self, sent: Sent, headers: Mapping[str, str]) -> None:
        if self._quotas or sent.number < LISTENED or sent.number % LISTENED == 0:
            self._quotas.told(headers, sent, _now(), self._sent)

    def _refused(self, sent: Sent, retry_after_s: float | None) -> None:
        self._pace = self._pace or Pace(self._began_at)
        self._pace.turned_away(sent)
        self._chance.refused(sent, self._sent)
        if sent.number <= self._last_cut or self._chance.by_chance:
            return
        now, self._last_cut = _now(), self._sent
        if self._width.explains(sent):
            self._width.refused(sent)
            return
        self._width.relax()
        self._pace.refused(now, self._sent)
        self._next_at = now + 1 / self._pace.per_s
        if retry_after_s is not None:
            self._heed(now, now + retry_after_s)

    def _heed(self, now: float, told: float) -> None:
        """All is open again at `told` at the latest: tried then, not before if that is seconds away."""
        if told > now + ROUNDED_S:
            self._closed_until = max(self._closed_until, told)
        self._open_by = told if self._open_by <= now else min(self._open_by, told)
        self._next_at = min(self._next_at, self._open_by)


def _now() -> float:
    return asyncio.get_running_loop().time()
