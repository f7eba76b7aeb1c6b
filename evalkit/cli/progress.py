"""How far a run is, on stderr: a bar on a terminal, now and then a line elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from evalkit.numbers import dollars
from evalkit.report.escape import printable
from evalkit.run import Plan, Record

SECONDS_BETWEEN_LINES = 10.0
_BAR = "{percentage:3.0f}% |{bar}| {n_fmt}/{total_fmt}  {rate_fmt}  {postfix}  {remaining} left"


@dataclass(slots=True)
class Spend:
    """What this session has cost so far, judges included; cached answers cost nothing any more."""

    usd: float = 0.0
    unknown: bool = False

    def add(self, record: Record) -> None:
        """Count one record."""
        asked = record.attempts and not record.cached and not record.error  # else it was paid for before
        answer = record.cost_usd if asked else 0.0
        judging = 0.0 if record.judge.get("cached") else record.judge.get("cost_usd", 0.0)
        costs = (answer, judging)
        self.usd += sum(cost for cost in costs if cost is not None)
        self.unknown = self.unknown or None in costs

    def __str__(self) -> str:
        return f"${dollars(self.usd)}{' and more' if self.unknown else ''}"


class Meter(Protocol):
    """Something that shows how many records have come."""

    def advance(self, spend: Spend) -> None:
        """One more has come."""
        ...

    def say(self, text: str) -> None:
        """Show a line that stays."""
        ...

    def close(self) -> None:
        """No more will come."""
        ...


class Bar:
    """A tqdm bar with rate, spend and time left."""

    def __init__(self, total: int):
        from tqdm import tqdm  # only where somebody watches

        self._bar = tqdm(
            total=total, file=sys.stderr, unit=" answers", bar_format=_BAR, dynamic_ncols=True, leave=False
        )

    def advance(self, spend: Spend) -> None:
        """Move on by one."""
        self._bar.set_postfix_str(str(spend), refresh=False)
        self._bar.update()

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._bar.write(text, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        self._bar.close()


class Lines:
    """Plain lines, at most one in ten seconds, and one at the end: for logs."""

    def __init__(self, total: int):
        self._total, self._done = total, 0
        self._spend = Spend()
        self._start = self._last = time.monotonic()

    def advance(self, spend: Spend) -> None:
        """Count on; print when it is time."""
        self._done, self._spend = self._done + 1, spend
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._print()

    def say(self, text: str) -> None:
        """A line of its own."""
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Say how far it came, if it began."""
        if self._done:
            self._print()

    def _print(self) -> None:
        self._last = time.monotonic()
        rate = self._done / max(self._last - self._start, 1e-9)
        left = f", {(self._total - self._done) / rate:.0f} s left" if 0 < self._done < self._total else ""
        self.say(f"{self._done}/{self._total} answers, {rate:.1f}/s, {self._spend}{left}")


class Silent:
    """Nothing but what must be said: for `-q`."""

    def advance(self, spend: Spend) -> None:
        """Nothing."""

    def say(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Progress:
    """The run's observer: prints the heading when the first plan is known, then keeps a meter.

    Args:
        heading: what to print once all is known that will be asked.
        quiet: neither heading nor meter.
    """

    def __init__(self, heading: Callable[[Plan], str], *, quiet: bool):
        self._heading, self._quiet = heading, quiet
        self._spend, self._told = Spend(), False
        self._meter: Meter = Silent() if quiet else Lines(0)

    def planned(self, plan: Plan) -> None:
        """Print the heading, once, and start the meter, if anything is left to ask."""
        if not self._quiet and len(plan):
            if not self._told:
                print(f"{self._heading(plan)}\n", flush=True)
            self._told = True
            self.expect(len(plan))

    def expect(self, records: int) -> None:
        """Start the meter."""
        if not self._quiet:
            self._meter = (Bar if sys.stderr.isatty() else Lines)(records)

    def answered(self, record: Record) -> None:
        """Count one record."""
        self._spend.add(record)
        self._meter.advance(self._spend)

    def note(self, text: str) -> None:
        """Pass on what a person may want to know while waiting."""
        self._meter.say(printable(text))

    def close(self) -> None:
        """The run has ended."""
        self._meter.close()
