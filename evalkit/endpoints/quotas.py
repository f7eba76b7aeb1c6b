"""What a server tells of its limits: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from evalkit.endpoints.limits import Sent

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")

HORIZON_S = 60.0
"""What is left is spread over no more than this: half of a day's quota may be used up now."""

_COSTS = {"requests": 1.0, "tokens": None}


@dataclass(frozen=True, slots=True)
class News:
    """One quota, as an answer's headers tell it: `left` of `limit`, all of it again in `reset_s`."""

    limit: float
    left: float
    reset_s: float


class Quota:
    """Requests per second by what the server told: what is left is spread over the time until it is renewed.

    A window is used up evenly in this way. A bucket that refills settles half full, where as much comes in as
    goes out. News that took long against the time of which it speaks is left aside.

    Args:
        cost: units of the quota that one request takes; None is to be learned from how it shrinks.

    Attributes:
        closed_until: nothing is left until then (s, of the event loop's clock).
    """

    def __init__(self, cost: float | None):
        self.closed_until = 0.0
        self._cost, self._learns = cost or 0.0, cost is None
        self._per_s, self._until = math.inf, 0.0
        self._later_per_s = math.inf  # once that time is over, and nothing newer is known
        self._longest_s = 0.0
        self._left, self._number = math.inf, 0  # the newest news: what was left, after which request

    def per_s(self, now: float) -> float:
        """Requests per second to send."""
        return self._per_s if now < self._until else self._later_per_s

    def told(self, news: News, sent: Sent, now: float, last: int) -> None:
        """Take up the headers of the answer to `sent`; `last` is the number of the newest request."""
        if self._learns and sent.number > self._number:
            self._learn(news.left, sent.number)
        if not self._cost:
            return
        reset_s = min(news.reset_s, HORIZON_S)
        self._longest_s = max(self._longest_s, reset_s)
        self._later_per_s = news.limit / self._cost / self._longest_s
        if now - sent.at <= reset_s / 4:
            self._spread(news.left / self._cost - (last - sent.number), reset_s, sent.at)

    def _spread(self, requests: float, seconds: float, since: float) -> None:
        """So many requests may still be sent within the `seconds` from `since` on."""
        self._until = since + seconds
        if requests >= 1:
            self._per_s = requests / seconds
        else:
            self._per_s, self.closed_until = self._later_per_s, self._until

    def _learn(self, left: float, number: int) -> None:
        """What one request takes, rather too much than too little: a refill in between hides a part."""
        if self._number:
            spent = (self._left - left) / (number - self._number)
            self._cost = max(spent, 0.98 * self._cost)
        self._left, self._number = left, number


class Quotas:
    """All quotas of one endpoint; without any headers there are none."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Quota] = {}
        self.closed_until = 0.0

    def __bool__(self) -> bool:
        return bool(self._by_kind)

    def per_s(self, now: float) -> float:
        """The requests per second that all allow."""
        return min((quota.per_s(now) for quota in self._by_kind.values()), default=math.inf)

    def told(self, headers: Mapping[str, str], sent: Sent, now: float, last: int) -> None:
        """Take up the headers of an answer, as `Quota.told`."""
        for kind, news in read_news(headers):
            quota = self._by_kind.setdefault(kind, Quota(_COSTS[kind]))
            quota.told(news, sent, now, last)
            self.closed_until = max(self.closed_until, quota.closed_until)


def read_news(headers: Mapping[str, str]) -> Iterator[tuple[str, News]]:
    """The quotas in an answer's headers, by kind; one not told whole, or not in figures, is left out."""
    for kind in _COSTS:
        left = headers.get(f"x-ratelimit-remaining-{kind}")
        if left is None:
            continue
        limit, reset = headers.get(f"x-ratelimit-limit-{kind}"), headers.get(f"x-ratelimit-reset-{kind}")
        try:
            news = News(float(limit or ""), float(left), duration_s(reset or ""))
        except ValueError:
            continue
        if news.limit > 0 and 0 < news.reset_s < math.inf and 0 <= news.left < math.inf:
            yield kind, news


def duration_s(text: str) -> float:
    """Seconds of `6m0s`, `1s`, `20ms`, or of a bare number.

    Raises:
        ValueError: it is neither.
    """
    if not _DURATION.fullmatch(text):
        return float(text)
    return sum(float(amount) * _UNITS_S[unit] for amount, unit in _PART.findall(text))
