"""What has come: written down, then counted, then told. What is counted is on disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from evalkit.run.codec import dump_line, passed, record_from_json, record_to_json
from evalkit.run.outcome import Observer, Stopped
from evalkit.run.records import Record

MOST_WAITING = 64
"""So many records wait at most to be written together."""


class Sink(Protocol):
    """Where lines of records.jsonl go: the run's folder."""

    def append(self, lines: Sequence[bytes]) -> None:
        """Add records; once this returns a killed run keeps them.

        Raises:
            StorageError: they cannot be written.
        """
        ...


@dataclass(slots=True)
class Tally:
    """What has come so far in this session; `unasked`: tasks of endpoints that are not asked any more."""

    asked: int = 0
    cached: int = 0
    errors: int = 0
    unasked: int = 0
    failed_candidates: int = 0
    stopped: Stopped | None = None

    def add(self, record: Record, candidate: str | None) -> None:
        """Count one record."""
        self.errors += record.error is not None
        self.cached += record.cached
        self.asked += record.error is None and not record.cached
        failed = record.error is None and passed(record.verdicts) is False
        self.failed_candidates += failed and record.variant == candidate


@dataclass(frozen=True, slots=True)
class Limit:
    """When to stop: once the gate's candidate, by suite name, has failed `maxfail` cases; None never."""

    maxfail: int | None = None
    candidates: Mapping[str, str] | None = None

    def candidate(self, suite: str) -> str | None:
        """Whose failures count."""
        return self.candidates.get(suite) if self.candidates else None


class Keeper:
    """Writes records down in the turn of the event loop in which they came, all of it in one write.

    Under load that is a dozen records; alone each is written at once.

    Args:
        sink: where lines go.
        observer: told of every record once it is written.
        limit: when to stop.
        flush_answers: has the cache written, after the records.

    Attributes:
        tally: what has come.
        on_fault: called when something could not be written; `flush` raises it then.
    """

    def __init__(
        self, sink: Sink, observer: Observer, limit: Limit, flush_answers: Callable[[], None] = lambda: None
    ):
        self._sink, self._flush_answers, self._observer, self._limit = sink, flush_answers, observer, limit
        self._most = MOST_WAITING if limit.maxfail is None else 1
        self._waiting: list[Record] = []
        self._scheduled = False
        self._fault: Exception | None = None
        self.tally = Tally()
        self.on_fault: Callable[[], None] = lambda: None

    def keep(self, record: Record) -> bool:
        """Take up a record; whether it has been written at once, since many waited.

        Raises:
            StorageError: it, or an earlier one, cannot be written.
        """
        self._waiting.append(record)
        if len(self._waiting) >= self._most:
            self.flush()
            return True
        self.soon()
        return False

    def soon(self) -> None:
        """Have what waits, records and answers, written at the end of this turn of the event loop."""
        if not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._at_the_end_of_the_turn)

    def flush(self) -> None:
        """Write down what waits, count it, tell of it.

        Raises:
            StorageError: it, or an earlier one, cannot be written.
        """
        if self._fault:
            raise self._fault
        records, self._waiting = self._waiting, []
        if records:
            self._sink.append([dump_line(record_to_json(record)) for record in records])
        self._flush_answers()
        self._count(records)

    def take(self, lines: Sequence[bytes]) -> None:
        """Write down, count and tell of records that another process has made.

        Raises:
            StorageError: they cannot be written.
        """
        self._sink.append(lines)
        self._count([record_from_json(json.loads(line)) for line in lines])

    def note(self, text: str) -> None:
        """Pass on what a person may want to know."""
        self._observer.note(text)

    def stop(self, why: Stopped, note: str) -> None:
        """Have nothing more taken up; the first reason counts."""
        if self.tally.stopped is None:
            self.tally.stopped = why
            self._observer.note(note)

    def _count(self, records: Sequence[Record]) -> None:
        for record in records:
            self.tally.add(record, self._limit.candidate(record.suite))
            self._observer.answered(record)
        failed, most = self.tally.failed_candidates, self._limit.maxfail
        if most is not None and failed >= most:
            self.stop("maxfail", f"stopped: {failed} failed (--maxfail {most})")

    def _at_the_end_of_the_turn(self) -> None:
        self._scheduled = False
        try:
            self.flush()
        except Exception as fault:  # nobody waits for this turn: what is not kept here is lost
            self._fault = fault
            self.on_fault()
