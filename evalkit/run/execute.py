"""Working through a plan: a fixed pool of workers, each task asked, graded and handed to the keeper."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

from evalkit.config import ModelRef
from evalkit.endpoints import dropped
from evalkit.endpoints.base import Request
from evalkit.errors import BudgetReached
from evalkit.run.asker import Answer, Asker, dropped_answer
from evalkit.run.keeper import Keeper
from evalkit.run.marker import Marker
from evalkit.run.plan import Task
from evalkit.run.records import Failure, Record, RecordedVerdict
from evalkit.suite import compose

GRACE_S = 10.0
"""How long answers under way are waited for once a run is interrupted."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What a plan is worked through by.

    Attributes:
        concurrency: requests under way at once.
        judges: who judges, by suite name; only suites with rubrics are in it.
    """

    concurrency: int
    judges: Mapping[str, ModelRef]


class Known(Protocol):
    """Answers that were made elsewhere, or before."""

    def answer(self, task: Task, request: Request) -> Answer | None:
        """The answer to a task; None where it is to be asked for."""
        ...


class Execution:
    """One session of work on a plan.

    Args:
        rules: how it is worked through.
        asker: answers requests, the judges' too.
        keeper: where records go.
        known: answers that need not be asked for.
    """

    def __init__(self, rules: Rules, asker: Asker, keeper: Keeper, known: Known | None = None):
        self.rules, self.asker, self.keeper, self.known = rules, asker, keeper, known
        self._marker = Marker(rules.concurrency, rules.judges, asker)
        self._workers: list[asyncio.Task[None]] = []
        asker.kept = keeper.soon

    async def work(self, tasks: Iterable[Task]) -> None:
        """Take up every task, until all are done or something stops the run.

        Raises:
            StorageError: a record or an answer cannot be written; what was written stays.
        """
        turns = iter(tasks)
        try:
            async with asyncio.TaskGroup() as group:
                self._workers = [
                    group.create_task(self._worker(turns)) for _ in range(self.rules.concurrency)
                ]
                self.keeper.on_fault = self.drop
        except* Exception as faults:
            raise faults.exceptions[0] from None
        finally:
            self._marker.close()
            self.keeper.flush()

    def interrupt(self) -> None:
        """Ask nothing more; what is under way is waited for a while, and dropped when interrupted again."""
        if self.keeper.tally.stopped == "interrupted":
            self.drop()
            return
        self.keeper.stop(
            "interrupted", f"stopping: up to {GRACE_S:.0f} s for answers under way; Ctrl-C again drops them"
        )
        asyncio.get_running_loop().call_later(GRACE_S, self.drop)

    def drop(self) -> None:
        """Let go of what is under way."""
        for worker in self._workers:
            worker.cancel()

    async def _worker(self, turns: Iterator[Task]) -> None:
        tally = self.keeper.tally
        while tally.stopped is None and (task := next(turns, None)):
            try:
                record = await self._answered(task)
            except BudgetReached as reached:
                self.keeper.stop("budget", str(reached))
                return
            if record is None:
                tally.unasked += 1
            elif self.keeper.keep(record):
                await asyncio.sleep(0)  # answers out of the cache never wait: let others have a turn

    async def _answered(self, task: Task) -> Record | None:
        """Ask and grade one task; None where its endpoint is not asked any more."""
        request = compose(task.suite, task.case, task.variant, task.repeat)
        answer = self.known.answer(task, request) if self.known else None
        if answer is None and task.variant.endpoint in self.asker.closed:
            return None
        try:
            answer = answer or await self.asker.ask(request, task.variant.endpoint, task.repeat)
        except asyncio.CancelledError as cancelled:
            if lost := dropped.told(cancelled):
                self.keeper.keep(self._record(task, request, dropped_answer(lost)))
            raise
        verdicts, account = await self._marker.graded(task, request, answer)
        return self._record(task, request, answer, verdicts, account)

    def _record(
        self,
        task: Task,
        request: Request,
        answer: Answer,
        verdicts: tuple[RecordedVerdict, ...] = (),
        account: Mapping[str, Any] = MappingProxyType({}),
    ) -> Record:
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
            possibly_billed=answer.possibly_billed,
            at=answer.at,
            error=Failure(error.type, error.message) if error else None,
            judge=account,
        )
