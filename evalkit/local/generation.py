"""From the event loop to the engine's thread and back: one `Generation` an answer."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from evalkit.local.answer import AnswerReader, Piece, joined
from evalkit.local.backend import Engine
from evalkit.local.ending import end_server
from evalkit.local.engine.job import AnyAdapter, Constraint, GenerationFailed, Job, TokenEvent
from evalkit.local.http.errors import server_error


class EngineThread:
    """Lets an engine work whenever there is work, on a thread of its own."""

    def __init__(self, engine: Engine):
        self._engine, self._ending = engine, threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
        self._thread.start()

    @property
    def max_len(self) -> int:
        """How many tokens prompt and answer may have together."""
        return self._engine.max_len

    def submit(self, job: Job) -> None:
        """Hand a job over."""
        self._engine.submit(job)

    def cancel(self, job: Job) -> None:
        """Take a job back, if it is not done; one more token may come."""
        self._engine.cancel(job)

    def close(self) -> None:
        """Stop after the step under way."""
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        """Work until told to end; a broken engine takes the server with it, lest requests wait for ever."""
        try:
            self._engine.run_forever(self._ending)
        except Exception:
            end_server("the engine broke")


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be continued, and how; the fields are those of `Job`, and texts that end the answer."""

    ids: tuple[int, ...]
    prefix: int
    adapter: AnyAdapter | None
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop_ids: frozenset[int]
    stops: tuple[str, ...] = ()
    logprobs: int | None = None
    allow: Constraint | None = None


class Generation:
    """One answer on its way; submitted when made. An answer of no tokens is done at once.

    Tokens arrive on the engine's thread and are read there. A live answer wakes the event loop with each
    token; any other with its last one only, so that many small answers cost little.

    Args:
        engine: what generates.
        question: what is asked.
        spell: gives the bytes of a token.
        live: whether pieces are wanted as they come.
    """

    def __init__(
        self, engine: EngineThread, question: Question, spell: Callable[[int], bytes], *, live: bool
    ):
        self._engine, self._live = engine, live
        self._reader = AnswerReader(spell, question.stops)
        self._arrived, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._pieces: deque[Piece] = deque()
        self._failure: GenerationFailed | None = None
        self._finished = False
        self._job = self._as_job(question)
        if question.max_tokens:
            engine.submit(self._job)
        else:
            self._pieces.append(Piece("", finish="length"))
            self._arrived.set()

    async def pieces(self) -> AsyncIterator[Piece]:
        """Give the answer piece by piece; the last one has `finish` set.

        Raises:
            ApiError: the engine gave the answer up (500).
        """
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            if self._failure:
                raise server_error(f"The answer could not be generated: {self._failure}")
            while self._pieces:
                piece = self._pieces.popleft()
                yield piece
                if piece.finish:
                    return

    async def whole(self) -> Piece:
        """Wait for the whole answer.

        Raises:
            ApiError: the engine gave it up (500).
        """
        return joined([piece async for piece in self.pieces()])

    def cancel(self) -> None:
        """Free the engine of it; does nothing once the engine is done with it."""
        self._engine.cancel(self._job)

    def _as_job(self, question: Question) -> Job:
        return Job(
            ids=question.ids,
            on_token=self._on_token,
            prefix=question.prefix,
            adapter=question.adapter,
            max_tokens=question.max_tokens,
            temperature=question.temperature,
            top_p=question.top_p,
            seed=question.seed,
            stop_ids=question.stop_ids,
            logprobs=question.logprobs,
            allow=question.allow,
            on_error=self._on_error,
        )

    def _on_token(self, event: TokenEvent) -> None:
        """Read a token, on the engine's thread; those after a stop string are no part of the answer."""
        if self._finished:
            return
        piece = self._reader.read(event)
        self._finished = piece.finish is not None
        self._pieces.append(piece)
        if self._live or self._finished:
            self._loop.call_soon_threadsafe(self._arrived.set)

    def _on_error(self, failure: GenerationFailed) -> None:
        self._failure = failure
        self._loop.call_soon_threadsafe(self._arrived.set)
