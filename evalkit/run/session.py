"""What one process needs to work on a plan, put together."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from evalkit.config import Config, ModelRef
from evalkit.endpoints.retry import RetryPolicy
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.cache import FILE_NAME, Cache
from evalkit.run.connect import Connection
from evalkit.run.execute import Execution, Known, Rules
from evalkit.run.keeper import Keeper, Limit, Sink
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Observer
from evalkit.run.plan import Variants
from evalkit.run.prepare import Prepared


@dataclass(frozen=True, slots=True)
class AnswerStore:
    """Where answers are kept before they are graded.

    Attributes:
        folder: of the cache; None keeps none.
        reads: whether what is kept there is used.
        own: whether it is the run's own, and goes when the run has ended.
    """

    folder: Path | None
    reads: bool = True
    own: bool = False

    def open(self, opened: AsyncExitStack) -> Cache | None:
        """The cache; it is closed with `opened`."""
        if self.folder is None:
            return None
        cache = Cache(self.folder, reads=self.reads)
        opened.callback(cache.close)
        return cache

    def remove(self) -> None:
        """Delete the file, if it is the run's own."""
        if self.own and self.folder is not None:
            (self.folder / FILE_NAME).unlink(missing_ok=True)


def answer_store(prepared: Prepared, options: RunOptions, run_folder: Path) -> AnswerStore:
    """Without the common cache, a run that has to wait for judges keeps answers in its own folder until it
    ends: killed meanwhile, it would lose what was paid for."""
    if options.cache or not prepared.judges:
        return AnswerStore(options.cache)
    return AnswerStore(run_folder, reads=options.resume is not None, own=True)


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be worked through, in plain data that can go to another process as it is.

    Attributes:
        folders: the suites', with the hashes that they must still have.
        variants, judges, candidates: by suite name.
        fingerprints, fresh: by endpoint, see `Connection`.
        answers: where answers are kept.
        policy: how often a request is tried; None is the usual way.
    """

    config: Config
    options: RunOptions
    folders: Mapping[Path, str]
    variants: Variants
    judges: Mapping[str, ModelRef]
    candidates: Mapping[str, str]
    fingerprints: Mapping[str, Mapping[str, str]]
    fresh: Mapping[str, frozenset[str]]
    answers: AnswerStore
    policy: RetryPolicy | None = None

    @property
    def limit(self) -> Limit:
        """When to stop."""
        return Limit(self.options.maxfail, self.candidates)


@dataclass(frozen=True, slots=True)
class Session:
    """One process's means: the endpoints, open here, by name; a cache and a budget shared with others; and
    answers that need not be asked for."""

    order: Order
    connections: Mapping[str, Connection]
    cache: Cache | None
    budget: Budget
    known: Known

    def execution(self, sink: Sink, observer: Observer, limit: Limit) -> Execution:
        """Ready to work."""
        order = self.order
        asker = Asker(
            self.connections, self.cache, self.budget, order.config.prices, observer.note, order.policy
        )
        keeper = Keeper(sink, observer, limit, asker.flush)
        return Execution(Rules(order.options.concurrency, order.judges), asker, keeper, self.known)
