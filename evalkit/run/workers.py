"""`--workers N`: processes that ask and grade, side by side, and this one, which alone writes.

What goes between them are lines of records.jsonl and a few words in MessagePack.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, replace
from multiprocessing import forkserver
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from typing import Any

import msgspec

from evalkit.errors import EvalkitError, StorageError
from evalkit.run.budget import Budget
from evalkit.run.connect import Connection, open_endpoint
from evalkit.run.execute import Execution
from evalkit.run.keeper import Keeper, Limit, Tally
from evalkit.run.plan import Plan
from evalkit.run.prepare import chosen
from evalkit.run.recorded import RecordedAnswers
from evalkit.run.records import Record
from evalkit.run.session import Order, Session
from evalkit.suite import Suite, load_suite

# never forks of this process: they would inherit locks that nobody frees
if sys.platform == "win32":
    CONTEXT = multiprocessing.get_context("spawn")
else:
    CONTEXT = multiprocessing.get_context("forkserver")

STOP = b"stop"
DIED = "a worker process died; go on with --resume"


def get_ready() -> None:
    """Begin to load, once for all processes and beside whatever is done until they start, what they need."""
    if sys.platform != "win32":
        CONTEXT.set_forkserver_preload(["evalkit.run.preload"])
        forkserver.ensure_running()


@dataclass(frozen=True, slots=True)
class Part:
    """What one of several processes takes: number `number`, from 0, `of` all."""

    order: Order
    done: frozenset[int]
    number: int
    of: int

    def share(self, whole: int) -> int:
        """This process's part of a number, which is not below that of processes."""
        return whole // self.of + (self.number < whole % self.of)


class Workers:
    """Has a plan worked through by several processes.

    Args:
        order: what is to be done.
        keeper: takes what they make.
        budget: that they share.
    """

    def __init__(self, order: Order, keeper: Keeper, budget: Budget):
        self.keeper = keeper
        self._order, self._budget = order, budget
        self._processes: list[BaseProcess] = []
        self._pipes: list[Pipe] = []
        self._ended: list[asyncio.Future[None]] = []
        self._fault: EvalkitError | None = None
        self._interrupts = self._stops = 0  # by whoever waits, and told to the processes

    async def work(self, plan: Plan) -> None:
        """Start the processes, and take up what comes until all have ended.

        Raises:
            EvalkitError: what one of them met, or that one of them died.
        """
        loop, of = asyncio.get_running_loop(), self._count()
        for number in range(of):
            self._start(Part(self._order, frozenset(plan.done), number, of))
        self._ended = [loop.create_future() for _ in self._pipes]
        for pipe, ended in zip(self._pipes, self._ended, strict=True):
            loop.add_reader(pipe.fileno(), self._hear, pipe, ended)
        try:
            await asyncio.gather(*self._ended)
        finally:
            self.drop()
        if self._fault:
            raise self._fault

    def _count(self) -> int:
        """No more processes than requests may be under way, at all or at any endpoint: each sends one."""
        options, endpoints = self._order.options, self._order.config.endpoints
        limits = [endpoints[name].max_concurrency for name in self._order.fingerprints]
        return min(options.workers, options.concurrency, *(most for most in limits if most is not None))

    def _start(self, part: Part) -> None:
        mine, theirs = CONTEXT.Pipe()
        work = (part, theirs, self._budget, dict(os.environ))
        process = CONTEXT.Process(target=_process, args=work, daemon=True)
        process.start()
        theirs.close()
        self._processes.append(process)
        self._pipes.append(mine)

    def interrupt(self) -> None:
        """Ask nothing more; what is under way is waited for, and dropped when interrupted again."""
        self.keeper.stop("interrupted", "stopping: waiting for answers under way; Ctrl-C again drops them")
        self._interrupts += 1
        if self._interrupts > 2:
            self.drop()
        else:
            self._stop_all(self._interrupts)

    def drop(self) -> None:
        """End the processes, whatever they are at."""
        for process in self._processes:
            process.terminate()
            process.join()

    def _hear(self, pipe: Pipe, ended: asyncio.Future[None]) -> None:
        """One message, whole: reading waits for its end where only its beginning has come."""
        try:
            word, said = msgspec.msgpack.decode(pipe.recv_bytes())
        except (EOFError, OSError):
            word, said = "end", {"unasked": 0, "stopped": None, "fault": DIED}
        try:
            self._obey(word, said)
        except EvalkitError as fault:
            self._fail(fault)
        if word == "end":
            asyncio.get_running_loop().remove_reader(pipe.fileno())
            ended.set_result(None)

    def _obey(self, word: str, said: Any) -> None:
        tally = self.keeper.tally
        if word == "lines":
            self.keeper.take(said)
            if tally.stopped:
                self._stop_all(1)
        elif word == "note":
            self.keeper.note(said)
        else:
            tally.unasked += said["unasked"]
            tally.stopped = tally.stopped or said["stopped"]
            if said["fault"] and tally.stopped != "interrupted":
                raise StorageError(said["fault"])

    def _fail(self, fault: EvalkitError) -> None:
        """Nothing more is asked; what is under way is still taken up. The first fault is the run's."""
        self._fault = self._fault or fault
        self._stop_all(1)

    def _stop_all(self, times: int) -> None:
        """Tell all processes to stop, unless they were told so often before: once, and they wait for what is
        under way; twice, and they drop it."""
        if self._stops >= times:
            return
        self._stops += 1
        for pipe, ended in zip(self._pipes, self._ended, strict=True):
            if not ended.done():
                with suppress(OSError):  # it has just died, which is heard next
                    pipe.send_bytes(STOP)


class _Voice:
    """What a process says to the one that writes: records, notes, and how it ended."""

    def __init__(self, pipe: Pipe):
        self._pipe = pipe

    def append(self, lines: Sequence[bytes]) -> None:
        """Records, to be written down."""
        self._say("lines", list(lines))

    def note(self, text: str) -> None:
        """Something that a person may want to know."""
        self._say("note", text)

    def planned(self, plan: Plan) -> None:
        """Known there."""

    def answered(self, record: Record) -> None:
        """Told there."""

    def end(self, unasked: int, stopped: str | None, fault: str | None) -> None:
        """The last word."""
        self._say("end", {"unasked": unasked, "stopped": stopped, "fault": fault})

    def _say(self, word: str, said: Any) -> None:
        try:
            self._pipe.send_bytes(msgspec.msgpack.encode((word, said)))
        except OSError as gone:
            raise StorageError("the process that writes is gone") from gone


def _process(part: Part, pipe: Pipe, budget: Budget, environ: dict[str, str]) -> None:
    """What a worker process does, from beginning to end; `environ` holds the keys as they are now."""
    os.environ.update(environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that writes, which passes it on
    voice = _Voice(pipe)
    try:
        tally = asyncio.run(_work(part, pipe, voice, budget))
        voice.end(tally.unasked, tally.stopped, None)
    except EvalkitError as fault:
        with suppress(StorageError):
            voice.end(0, None, str(fault))


async def _work(part: Part, pipe: Pipe, voice: _Voice, budget: Budget) -> Tally:
    async with AsyncExitStack() as opened:
        order = part.order
        connections = {name: _connected(part, name, opened) for name in order.fingerprints}
        mine = replace(
            order, options=replace(order.options, concurrency=part.share(order.options.concurrency))
        )
        suites = _suites(order)
        plan = _plan(part, suites)
        recorded = RecordedAnswers(suites, plan, order.config.prices)
        opened.callback(recorded.close)
        session = Session(mine, connections, order.answers.open(opened), budget, recorded)
        execution = session.execution(voice, voice, Limit())
        asyncio.get_running_loop().add_reader(pipe.fileno(), _listen, pipe, execution)
        await execution.work(plan)
    return execution.keeper.tally


def _suites(order: Order) -> list[Suite]:
    """The suites as they were when the run began."""
    suites = [load_suite(folder, again=True) for folder in order.folders]
    if [suite.sha256 for suite in suites] != list(order.folders.values()):
        raise StorageError("a suite has changed since the run began; run again")
    return suites


def _plan(part: Part, suites: Sequence[Suite]) -> Plan:
    """This process's share of the plan."""
    order = part.order
    options = order.options
    asked = chosen(suites, order.config, options)
    plan = Plan(asked, order.variants, options.repeat, options.seed, part.done)
    return plan.part(part.number, part.of)


def _listen(pipe: Pipe, execution: Execution) -> None:
    """Stop when told to, and at once where nobody is left to write."""
    try:
        pipe.recv_bytes()
    except (EOFError, OSError):
        asyncio.get_running_loop().remove_reader(pipe.fileno())
        execution.drop()
    else:
        execution.interrupt()


def _connected(part: Part, name: str, opened: AsyncExitStack) -> Connection:
    """An endpoint, open in this process, which may take up its part of what the endpoint bears."""
    order, settings = part.order, part.order.config.endpoints[name]
    most = settings.max_concurrency
    mine = replace(settings, max_concurrency=None if most is None else part.share(most))
    endpoint = open_endpoint(mine, stream=order.options.stream)
    opened.push_async_callback(endpoint.close)
    return Connection(endpoint, mine, order.fingerprints[name], order.fresh.get(name, frozenset()))
