"""A run from beginning to end: the table of contents."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evalkit.config import LOCAL, Config, gate_roles
from evalkit.endpoints.retry import RetryPolicy
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.cache import Cache
from evalkit.run.connect import Connection, connect, open_endpoint
from evalkit.run.describe import check_same_plan, describe
from evalkit.run.execute import Execution, Rules
from evalkit.run.fine_tunes import Settled, settle
from evalkit.run.keeper import Keeper, Limit, Tally
from evalkit.run.leaks import find_leaks, warnings
from evalkit.run.learned import training_files
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer, Outcome
from evalkit.run.plan import Plan
from evalkit.run.prepare import Prepared, prepare, settled
from evalkit.run.store import RunFolder, read_info
from evalkit.suite.model import Suite

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint


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
    prepared = prepare(suites, config, options)
    async with AsyncExitStack() as opened:
        endpoints = _open(prepared, config, options, opened)
        whole = await settle(prepared, config, endpoints, observer)
        prepared = whole.prepared
        leaks = find_leaks(suites, training_files(suites, prepared, config))
        for warning in warnings(leaks, suites):
            observer.note(warning)
        connections = await _connect(whole, config, endpoints)
        info = describe(prepared, config, options, connections, whole.fine_tunes) | {"leaks": leaks}
        store, todo = _store(prepared, options, info)
        opened.callback(store.close)
        cache = _cache(prepared, options, store, opened)
        observer.planned(todo)
        asker = Asker(connections, cache, Budget(options.max_cost), config.prices, observer.note, policy)
        keeper = Keeper(store, asker.flush, observer, _limit(prepared, config, options))
        execution = Execution(Rules(options.concurrency, prepared.judges), asker, keeper)
        with _interruptible(execution):
            await execution.work(todo)
        _finish(store, keeper.tally)
    return _outcome(store, todo, keeper.tally)


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
    models: dict[str, set[str]] = {}
    for ref in whole.prepared.refs:
        models.setdefault(ref.endpoint, set()).add(ref.model)
    return {
        name: await connect(
            endpoints[name], config.endpoints[name], sorted(models[name]), whole.fresh.get(name, frozenset())
        )
        for name in sorted(models)
    }


def _store(prepared: Prepared, options: RunOptions, info: dict[str, Any]) -> tuple[RunFolder, Plan]:
    """The folder to write to, and what is left to ask: all of it, unless the run is gone on with."""
    if options.resume is None:
        return RunFolder.create(options.out, info), prepared.plan
    check_same_plan(read_info(options.resume), options.resume, info)
    store = RunFolder(options.resume)
    todo = prepared.plan.without(store.drop_unfinished())
    store.note(status="running")
    return store, todo


def _cache(prepared: Prepared, options: RunOptions, store: RunFolder, opened: AsyncExitStack) -> Cache | None:
    """Where answers are kept before they are graded. Without the common cache, a run that has to wait for
    judges keeps them in its own folder until it ends: killed meanwhile, it would lose what was paid for."""
    if options.use_cache:
        cache = Cache(options.state / "cache")
        opened.callback(cache.close)
        return cache
    if not prepared.judges:
        return None
    own = Cache(store.folder, reads=options.resume is not None)
    opened.push(lambda fault, *_: own.close() if fault else own.remove())
    return own


def _limit(prepared: Prepared, config: Config, options: RunOptions) -> Limit:
    return Limit(options.maxfail, {suite.name: gate_roles(config, suite)[0] for suite in prepared.suites})


@contextmanager
def _interruptible(execution: Execution) -> Iterator[None]:
    """Ctrl-C ends the work in order. Elsewhere than in the main thread, or on Windows, it comes as usual."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return
    loop.add_signal_handler(signal.SIGINT, execution.interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def _finish(store: RunFolder, tally: Tally) -> None:
    """Say in run.json how the run ended."""
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    store.note(status=tally.stopped or "finished", finished=ended, errors=tally.errors, unasked=tally.unasked)


def _outcome(store: RunFolder, todo: Plan, tally: Tally) -> Outcome:
    return Outcome(
        store.folder, todo.whole, tally.asked, tally.cached, tally.errors, tally.unasked, tally.stopped
    )
