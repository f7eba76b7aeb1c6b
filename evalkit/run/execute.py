"""Working through a plan: a fixed pool of workers, each task asked, graded, written down, then told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from evalkit.config import ModelRef
from evalkit.endpoints.base import Request
from evalkit.errors import BudgetReached, EvalkitError
from evalkit.run.asker import Answer
from evalkit.run.codec import passed
from evalkit.run.grading import Asks, JudgeDesk, grade
from evalkit.run.outcome import Observer, Stopped
from evalkit.run.plan import Plan, Task
from evalkit.run.records import Failure, Record, RecordedVerdict
from evalkit.run.store import RunFolder
from evalkit.suite import compose

GRACE_S = 10.0
"""How long answers under way are waited for once a run is interrupted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan is worked through by.

    Attributes:
        concurrency: requests under way at once.
        maxfail: stop when the candidate has failed this many cases; None never stops.
        candidates: the gate's candidate, by suite name.
        judges: who judges, by suite name; only suites with rubrics are in it.
    """

    concurrency: int
    maxfail: int | None
    candidates: Mapping[str, str]
    judges: Mapping[str, ModelRef]


@dataclass(slots=True)
class Tally:
    """What has come so far in this session."""

    asked: int = 0
    cached: int = 0
    errors: int = 0
    failed_candidates: int = 0
    stopped: Stopped | None = None

    def add(self, record: Record, candidate: str) -> None:
        """Count one record."""
        self.errors += record.error is not None
        self.cached += record.cached
        self.asked += record.error is None and not record.cached
        failed = record.error is None and passed(record.verdicts) is False
        self.failed_candidates += failed and record.variant == candidate


class Execution:
    """One session of work on a plan.

    Args:
        rules: how it is worked through.
        asker: answers requests, the judges' too.
        store: where records go.
        observer: told of every record once it is written.
    """

    def __init__(self, rules: Rules, asker: Asks, store: RunFolder, observer: Observer):
        self.rules, self.asker, self.store, self.observer = rules, asker, store, observer
        self.tally = Tally()
        self._workers: list[asyncio.Task[None]] = []
        # Each worker waits for one grading at a time, so that no grading ever waits for a thread.
        self._threads = ThreadPoolExecutor(rules.concurrency, thread_name_prefix="checks")

    async def work(self, plan: Plan) -> Tally:
        """Take up every task, until all are done or something stops the run.

        Raises:
            StorageError: a record or an answer cannot be written; what was written stays.
        """
        tasks = iter(plan.tasks)
        try:
            async with asyncio.TaskGroup() as group:
                self._workers = [
                    group.create_task(self._worker(tasks)) for _ in range(self.rules.concurrency)
                ]
        except* EvalkitError as faults:
            raise faults.exceptions[0] from None
        finally:
            # A thread may be waiting for a judge on this very loop: waiting for it here would block both.
            self._threads.shutdown(wait=False, cancel_futures=True)
        return self.tally

    def interrupt(self) -> None:
        """Ask nothing more; what is under way is waited for a while, and dropped when interrupted again."""
        if self.tally.stopped == "interrupted":
            self._drop()
            return
        self.tally.stopped = "interrupted"
        self.observer.note(f"stopping: up to {GRACE_S:.0f} s for answers under way; Ctrl-C again drops them")
        asyncio.get_running_loop().call_later(GRACE_S, self._drop)

    def _drop(self) -> None:
        for worker in self._workers:
            worker.cancel()

    async def _worker(self, tasks: Iterator[Task]) -> None:
        while self.tally.stopped is None and (task := next(tasks, None)):
            try:
                record = await self._answered(task)
            except BudgetReached as reached:
                self._stop("budget", str(reached))
                return
            self._keep(record)

    async def _answered(self, task: Task) -> Record:
        """Ask and grade one task."""
        request = compose(task.suite, task.case, task.variant)
        answer = await self.asker.ask(request, task.variant.endpoint, task.repeat)
        verdicts, account = await self._graded(task, request, answer)
        error = answer.error
        return Record(
            suite=task.suite.name,
            case=task.case.id,
            variant=task.variant.name,
            repeat=task.repeat,
            endpoint=task.variant.endpoint,
            request=request,
            response=answer.response,
            verdicts=verdicts,
            cost_usd=answer.cost_usd,
            cached=answer.cached,
            attempts=answer.attempts,
            at=answer.at,
            error=Failure(error.type, error.message) if error else None,
            judge=account,
        )

    async def _graded(
        self, task: Task, request: Request, answer: Answer
    ) -> tuple[tuple[RecordedVerdict, ...], dict[str, Any]]:
        """The verdicts and what the judge took; an error is never graded."""
        if answer.response is None:
            return (), {}
        loop = asyncio.get_running_loop()
        judge = self.rules.judges.get(task.suite.name)
        desk = JudgeDesk(judge, self.asker, loop) if judge else None
        verdicts = await loop.run_in_executor(self._threads, grade, task, request, answer.response, desk)
        return verdicts, desk.account() if desk else {}

    def _keep(self, record: Record) -> None:
        """Write the record, then count it, then tell of it: what is counted is on disk."""
        self.store.append(record)
        self.tally.add(record, self.rules.candidates[record.suite])
        self.observer.answered(record)
        most = self.rules.maxfail
        if most is not None and self.tally.failed_candidates >= most:
            self._stop("maxfail", f"stopped: {self.tally.failed_candidates} failed (--maxfail {most})")

    def _stop(self, why: Stopped, note: str) -> None:
        if self.tally.stopped is None:
            self.tally.stopped = why
            self.observer.note(note)
