"""Checking the stored answers of a run again, after a check was changed: nothing is asked, judges aside."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from evalkit.config import Config, ModelRef, judge_for
from evalkit.endpoints.answer_index import Listed
from evalkit.endpoints.base import Request
from evalkit.errors import AskError, NothingCollected
from evalkit.run.asker import Answer, Asker
from evalkit.run.budget import Budget
from evalkit.run.connect import Connection, connect_all
from evalkit.run.describe import calibrations, endpoint_to_json
from evalkit.run.execute import Execution, Rules
from evalkit.run.gating import gating_of, read_gating
from evalkit.run.interrupt import interruptible
from evalkit.run.keeper import Keeper, Limit, Tally
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.plan import Task, TaskKey
from evalkit.run.prepare import check_priced, has_rubrics
from evalkit.run.records import Record
from evalkit.run.session import AnswerStore
from evalkit.run.store import RunFolder, read_info, read_records
from evalkit.suite import compose
from evalkit.suite.model import Suite, Variant

Json = dict[str, Any]
Why = Literal["changed", "vanished"]


@dataclass(slots=True)
class LeftOut:
    """Records that say nothing of the suites as they are now, and the cases that they are of."""

    records: int = 0
    cases: Listed = field(default_factory=Listed)


class StoredAnswers:
    """The answers of a run as tasks, one after the other, for the suites as they are now.

    An answer counts only for the question that it was given to: where a case, a prompt or a param has changed
    so that another request would be sent today, its records are left out. Checks and references may change.

    Args:
        folder: of the run.
        info: its run.json.
        suites: as they are now.

    Attributes:
        left_out: what was passed by, by the reason; complete once all tasks have been taken.
    """

    def __init__(self, folder: Path, info: Json, suites: Sequence[Suite]):
        self._folder = folder
        self._suites = {suite.name: suite for suite in suites}
        self._places = {
            suite.name: {case.id: place for place, case in enumerate(suite.cases)} for suite in suites
        }
        self._variants = {
            suite: {name: Variant(**fields) for name, fields in found.items()}
            for suite, found in info["plan"]["variants"].items()
        }
        self._under_way: dict[TaskKey, Record] = {}
        self._listed: set[tuple[str, str]] = set()
        self.left_out: dict[Why, LeftOut] = {"changed": LeftOut(), "vanished": LeftOut()}

    def __iter__(self) -> Iterator[Task]:
        for record in read_records(self._folder):
            task = self._task(record)
            if task is None:
                self._leave_out("vanished", record)
            elif not _same(compose(task.suite, task.case, task.variant, task.repeat), record.request):
                self._leave_out("changed", record)
            else:
                self._under_way[task.key] = record
                yield task

    def answer(self, task: Task, _: Request) -> Answer:
        """The stored answer to a task that has just been taken, with its date, latency and cost."""
        record = self._under_way.pop(task.key)
        return Answer(
            response=record.response,
            error=AskError(record.error.type, record.error.message) if record.error else None,
            cost_usd=record.cost_usd,
            cached=record.cached,
            attempts=record.attempts,
            at=record.at,
            possibly_billed=record.possibly_billed,
        )

    def _task(self, record: Record) -> Task | None:
        """What the record answered; None where the suite has no such case any more."""
        place = self._places.get(record.suite, {}).get(record.case)
        if place is None:
            return None
        suite = self._suites[record.suite]
        return Task(suite, suite.cases[place], self._variants[record.suite][record.variant], record.repeat)

    def _leave_out(self, why: Why, record: Record) -> None:
        left = self.left_out[why]
        left.records += 1
        if (record.suite, record.case) not in self._listed:
            self._listed.add((record.suite, record.case))
            left.cases = left.cases.plus(record.case)


async def regrade(
    folder: Path, suites: Sequence[Suite], config: Config, options: RunOptions, observer: Observer
) -> Outcome:
    """Check a run's answers again, into a new run folder whose run.json names the old one.

    Args:
        folder: of the run.
        suites: as they are now.
        config: names the judge.
        options: of them concurrency, max_cost, use_cache, out and state.
        observer: told of every record, and of what was left out.

    Raises:
        UsageError: `folder` holds no run, or the judge cannot be used.
        NothingCollected: no answer is to a question that the suites still ask.
        StorageError: the new folder cannot be written.
    """
    info = read_info(folder)
    stored = StoredAnswers(folder, info, suites)
    judges = {suite.name: judge_for(config, suite) for suite in suites if has_rubrics(suite)}
    if options.max_cost is not None:
        check_priced(judges.values(), config)
    tasks = _begun(stored)
    async with AsyncExitStack() as opened:
        connections = await connect_all(judges.values(), config.endpoints, opened)
        store = RunFolder.create(options.out, _described(info, folder, suites, judges, connections))
        opened.callback(store.close)
        store.inherit(folder)
        cache = AnswerStore(options.cache).open(opened)
        asker = Asker(connections, cache, Budget(options.max_cost), config.prices, observer.note)
        keeper = Keeper(store, observer, Limit(), asker.flush)
        execution = Execution(Rules(options.concurrency, judges), asker, keeper, stored)
        with interruptible(execution):
            await execution.work(tasks)
        _finish(store, keeper.tally, stored, info["status"])
    for told in _told(stored):
        observer.note(told)
    return _outcome(store.folder, keeper.tally)


def _begun(stored: StoredAnswers) -> Iterator[Task]:
    """The tasks, seen to have a first one: without any no folder is made."""
    tasks = iter(stored)
    first = next(tasks, None)
    if first is None:
        told = "; ".join(_told(stored)) or "it has no records"
        raise NothingCollected(f"nothing can be checked again: {told}")
    return chain([first], tasks)


def _described(
    info: Json,
    folder: Path,
    suites: Sequence[Suite],
    judges: Mapping[str, ModelRef],
    connections: Mapping[str, Connection],
) -> Json:
    """run.json: the old run's, with the suites and judges of today."""
    plan = {
        **info["plan"],
        "suites": {suite.name: {"sha256": suite.sha256, "cases": len(suite.cases)} for suite in suites},
        "judges": {suite: asdict(judge) for suite, judge in judges.items()},
    }
    before = read_gating(info)
    gate = {
        suite.name: gating_of(suite, (before[suite.name].candidate, before[suite.name].baseline))
        for suite in suites
    }
    return {
        **info,
        "status": "running",
        "regraded_from": str(folder),
        "regraded_origin": info.get("regraded_origin", str(folder)),
        "regraded_status": info.get("regraded_status", info["status"]),
        "plan": plan,
        "gate": gate,
        "calibrations": calibrations(suites, judges, connections),
        "endpoints": info["endpoints"] | {name: endpoint_to_json(at) for name, at in connections.items()},
    }


def _finish(store: RunFolder, tally: Tally, stored: StoredAnswers, status: str) -> None:
    """Say in run.json how it ended: complete where the old run was."""
    done = tally.asked + tally.cached + tally.errors
    store.note(
        plan={**store.info["plan"], "records": done + tally.unasked},
        status=tally.stopped or status,
        finished=datetime.now(UTC).isoformat(timespec="seconds"),
        errors=tally.errors,
        unasked=tally.unasked,
        left_out={why: asdict(left) for why, left in stored.left_out.items()},
    )


def _told(stored: StoredAnswers) -> Iterator[str]:
    """What was left out, a line for each reason."""
    reasons = {
        "changed": "their case, prompt or params have changed",
        "vanished": "the suite no longer has their case",
    }
    for why, left in stored.left_out.items():
        if left.records:
            yield f"records left out, as {reasons[why]}: {left.records:,} (cases: {left.cases})"


def _outcome(folder: Path, tally: Tally) -> Outcome:
    done = tally.asked + tally.cached + tally.errors
    return Outcome(
        folder, done + tally.unasked, tally.asked, tally.cached, tally.errors, tally.unasked, tally.stopped
    )


def _same(now: Request, then: Request) -> bool:
    """Whether two requests are one; a tuple and a list are, as records have the one for the other."""
    return now.canonical == then.canonical
