"""A job on the terminal while it runs: a bar with loss and time left, lines elsewhere."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn, Protocol

from tqdm import tqdm

from evalkit.cli.tune.events import line
from evalkit.cli.tune.tables import cell
from evalkit.tune import Event, Job

SECONDS_BETWEEN_LINES = 10.0
_BAR = "{percentage:3.0f}% |{bar}| step {n_fmt}/{total_fmt}  {postfix}"


@dataclass(slots=True)
class Pace:
    """How fast steps come by this machine's clock, from the first that was seen."""

    first: tuple[int, float] | None = None

    def left_s(self, step: int, total: int, now: float) -> float | None:
        """Seconds until the last step; None while only one step has been seen."""
        self.first = self.first or (step, now)
        done, since = step - self.first[0], now - self.first[1]
        return since / done * (total - step) if done > 0 else None


class Shown(Protocol):
    """Where a job's progress is shown."""

    def step(self, at: int, total: int, words: str) -> None:
        """So many steps are done."""
        ...

    def say(self, text: str) -> None:
        """A line that stays."""
        ...

    def close(self) -> None:
        """No more will come."""
        ...


class Bar:
    """A bar, for a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def step(self, at: int, total: int, words: str) -> None:
        """Move the bar; it is drawn from the first step on."""
        if self._bar is None:
            self._bar = tqdm(
                total=total, file=sys.stderr, bar_format=_BAR, dynamic_ncols=True, leave=False, initial=at
            )
        self._bar.set_postfix_str(words, refresh=False)
        self._bar.update(at - self._bar.n)

    def say(self, text: str) -> None:
        """A line above the bar."""
        tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()


class Lines:
    """Lines, for a log: steps at most once in ten seconds."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def step(self, at: int, total: int, words: str) -> None:
        """Print when it is time."""
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self.say(f"step {at}/{total}  {words}")

    def say(self, text: str) -> None:
        """A line of its own."""
        print(text, file=sys.stderr, flush=True)

    def close(self) -> None:
        """Nothing is left to show."""


def usual() -> Shown:
    """A bar on a terminal, lines elsewhere."""
    return Bar() if sys.stderr.isatty() else Lines()


@dataclass(slots=True)
class Progress:
    """Shows a job as it gets on; `follow` tells it."""

    shown: Shown = field(default_factory=usual)
    pace: Pace = field(default_factory=Pace)
    expected_s: float | None = None
    """Seconds since 1970 at which the server expects the end."""

    def looked(self, job: Job) -> None:
        """Keep the server's own idea of when it will be done."""
        self.expected_s = job.estimated_finish

    def event(self, event: Event) -> None:
        """Steps move the bar; all else is a line of history."""
        data = event.data
        step, total = data.get("step"), data.get("total_steps")
        if event.type == "metrics" and isinstance(step, int) and isinstance(total, int):
            self.shown.step(step, total, self._words(step, total, data))
        elif event.type != "metrics":
            self.shown.say(line(event))

    def note(self, text: str) -> None:
        """Something that a person may want to know while waiting."""
        self.shown.say(cell(text))

    def _words(self, step: int, total: int, data: Any) -> str:
        """`loss 0.42, validation 0.50, 12 s left`."""
        valid = data.get("full_valid_loss") or data.get("valid_loss")
        left_s = self.pace.left_s(step, total, time.monotonic())
        if self.expected_s is not None:
            left_s = max(0.0, self.expected_s - time.time())
        parts = [
            f"loss {cell(data.get('train_loss'))}",
            *([f"validation {cell(valid)}"] if valid is not None else []),
            *([f"{duration(left_s)} left"] if left_s is not None and step < total else []),
        ]
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
