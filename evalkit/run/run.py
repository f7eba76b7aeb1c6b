"""A run from beginning to end: the table of contents."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.config import LOCAL, Config, gate_roles
from evalkit.endpoints.retry import RetryPolicy
from evalkit.run.budget import Budget
from evalkit.run.connect import Connection, by_endpoint, connect, open_endpoint
from evalkit.run.describe import check_same_plan, describe
from evalkit.run.execute import Execution
from evalkit.run.fine_tunes import Settled, settle
from evalkit.run.interrupt import interruptible
from evalkit.run.keeper import Keeper, Tally
from evalkit.run.leaks import find_leaks, warnings
from evalkit.run.learned import training_files
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.plan import Plan
from evalkit.run.prepare import Prepared, prepare, settled
from evalkit.run.recorded import RecordedAnswers
from evalkit.run.session import Order, Session, answer_store
from evalkit.run.store import RunFolder, read_info
from evalkit.suite.model import Suite

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint
    from evalkit.run.workers import Workers


def run(
    suites: Sequence[Suite],
    config: Config,
    options: RunOptions,
    observer: Observer,
    policy: RetryPolicy | None = None,
) -> Outcome:
    """Ask, check and record. Where models are embedded, their server runs and `config.with_local` says where.

    Raises:
        UsageError: something that was named cannot be used; nothing has been asked then.
        NothingCollected: no case is left to ask.
        StorageError: the run's folder or the cache cannot be written.
    """
    return asyncio.run(run_async(suites, config, options, observer, policy))


async def run_async(
    suites: Sequence[Suite],
    config: Config,
    options: RunOptions,
    observer: Observer,
    policy: RetryPolicy | None = None,
) -> Outcome:
    """`run`, inside an event loop of the caller's."""
    options = settled(options)
    begin_loading(options)
    async with AsyncExitStack() as opened:
        ready = await _ready(suites, config, options, observer, opened)
        store, todo = _store(ready, options)
        opened.callback(store.close)
        observer.planned(todo)
        order = _order(ready, config, options, store.folder, policy)
        budget = Budget(options.max_cost, shared=options.workers > 1)
        team = _team(order, ready, budget, store, observer, opened)
        with interruptible(team):
            await team.work(todo)
        _finish(store, team.keeper.tally)
    outcome = _outcome(store, todo, team.keeper.tally, budget)
    if outcome.complete:
        order.answers.remove()
    return outcome


def begin_loading(options: RunOptions) -> None:
    """Have worker processes' code loaded beside whatever is done until they start; at best while suites are
    still being read, for it takes longer than that."""
    if options.workers > 1:
        from evalkit.run.workers import get_ready  # multiprocessing is for those who ask for it

        get_ready()


@dataclass(frozen=True, slots=True)
class _Ready:
    """All that is known before the first question: models, open endpoints, and what run.json will say."""

    whole: Settled
    connections: Mapping[str, Connection]
    recorded: RecordedAnswers
    info: dict[str, Any]


async def _ready(
    suites: Sequence[Suite], config: Config, options: RunOptions, observer: Observer, opened: AsyncExitStack
) -> _Ready:
    prepared = prepare(suites, config, options)
    endpoints = _open(prepared, config, options, opened)
    whole = await settle(prepared, config, endpoints, observer)
    leaks = find_leaks(suites, training_files(suites, whole.prepared, config))
    for warning in warnings(leaks, suites):
        observer.note(warning)
    connections = await _connect(whole, config, endpoints)
    recorded = RecordedAnswers(suites, whole.prepared.plan, config.prices)
    opened.callback(recorded.close)
    for note in recorded.notes():
        observer.note(note)
    info = describe(whole.prepared, config, options, connections, whole.fine_tunes, recorded)
    return _Ready(whole, connections, recorded, info | {"leaks": leaks})


def _open(
    prepared: Prepared, config: Config, options: RunOptions, opened: AsyncExitStack
) -> dict[str, OpenAIEndpoint]:
    """The endpoints that will be asked, closed again when the run ends."""
    names = {ref.endpoint for ref in prepared.refs} | ({LOCAL} if prepared.untuned else set())
    endpoints = {name: open_endpoint(config.endpoints[name], stream=options.stream) for name in sorted(names)}
    for endpoint in endpoints.values():
        opened.push_async_callback(endpoint.close)
    return endpoints


async def _connect(
    whole: Settled, config: Config, endpoints: Mapping[str, OpenAIEndpoint]
) -> dict[str, Connection]:
    """See that every model is served; by endpoint name."""
    return {
        name: await connect(
            endpoints[name], config.endpoints[name], models, whole.fresh.get(name, frozenset())
        )
        for name, models in by_endpoint(whole.prepared.refs).items()
    }


def _store(ready: _Ready, options: RunOptions) -> tuple[RunFolder, Plan]:
    """The folder to write to, and what is left to ask: all of it, unless the run is gone on with."""
    plan = ready.whole.prepared.plan
    if options.resume is None:
        return RunFolder.create(options.out, ready.info), plan
    check_same_plan(read_info(options.resume), options.resume, ready.info)
    store = RunFolder(options.resume)
    todo = plan.without(store.drop_unfinished())
    before = store.info.get("concurrencies", [store.info["options"]["concurrency"]])
    now = [options.concurrency] if len(todo) else []
    grown = {"plan": ready.info["plan"], "gate": ready.info["gate"]} if options.upto else {}
    store.note(status="running", concurrencies=sorted({*before, *now}), **grown)
    return store, todo


def _order(
    ready: _Ready, config: Config, options: RunOptions, folder: Path, policy: RetryPolicy | None
) -> Order:
    prepared = ready.whole.prepared
    return Order(
        config=config,
        options=options,
        folders={suite.folder: suite.sha256 for suite in prepared.suites},
        variants=prepared.variants,
        judges=prepared.judges,
        candidates={suite.name: gate_roles(config, suite)[0] for suite in prepared.suites},
        fingerprints={name: dict(connection.fingerprints) for name, connection in ready.connections.items()},
        fresh=ready.whole.fresh,
        answers=answer_store(prepared, options, folder),
        policy=policy,
    )


def _team(
    order: Order, ready: _Ready, budget: Budget, store: RunFolder, observer: Observer, opened: AsyncExitStack
) -> Execution | Workers:
    """Who works: this process, or several, for which this one writes."""
    if order.options.workers > 1:
        from evalkit.run.workers import Workers

        return Workers(order, Keeper(store, observer, order.limit), budget)
    session = Session(order, ready.connections, order.answers.open(opened), budget, ready.recorded)
    return session.execution(store, observer, order.limit)


def _finish(store: RunFolder, tally: Tally) -> None:
    """Say in run.json how the run ended."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    store.note(status=tally.stopped or "finished", finished=ended, errors=tally.errors, unasked=tally.unasked)


def _outcome(store: RunFolder, todo: Plan, tally: Tally, budget: Budget) -> Outcome:
    return Outcome(
        folder=store.folder,
        planned=todo.whole,
        asked=tally.asked,
        cached=tally.cached,
        errors=tally.errors,
        unasked=tally.unasked,
        stopped=tally.stopped,
        spent_usd=budget.spent_usd,
    )
