"""What a run came to, and who watches it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from evalkit.run.plan import Plan
from evalkit.run.records import Record

Stopped = Literal["interrupted", "budget", "maxfail"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended; its figures stand in the folder's records.

    Attributes:
        folder: the run's folder, complete with run.json and records.jsonl.
        planned: how many records a whole run has.
        asked: answers that were asked for in this session and came.
        cached: answers that the cache gave.
        errors: cases that could not be asked.
        unasked: cases that were not tried, since their endpoint refused the ones before for good.
        stopped: why the run ended early; None where every case was taken up.
        spent_usd: what is known to have been spent in this session, judges included.
    """

    folder: Path
    planned: int
    asked: int
    cached: int
    errors: int
    unasked: int = 0
    stopped: Stopped | None = None
    spent_usd: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether nothing is left to ask."""
        return not (self.stopped or self.errors or self.unasked)


class Observer(Protocol):
    """Whoever shows progress. Called on the event loop: it must not block."""

    def planned(self, plan: Plan) -> None:
        """All is known that will be asked; called once, before the first request."""
        ...

    def answered(self, record: Record) -> None:
        """One record has just been written."""
        ...

    def note(self, text: str) -> None:
        """Something that a person may want to know while waiting, in one line."""
        ...
