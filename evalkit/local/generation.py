"""From the event loop to the engine's thread and back: one `Generation` a request."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from evalkit.local.answer import AnswerReader, Piece, joined
from evalkit.local.backend import Engine
from evalkit.local.constrain import TooComplex
from evalkit.local.ending import end_server
from evalkit.local.engine.job import GenerationFailed, Job, TokenEvent
from evalkit.local.http.errors import ApiError, server_error


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
    """What is to be continued, and how its answer is read.

    Attributes:
        job: what the engine is asked; whoever listens to it is replaced.
        stops: texts that end the answer.
        calls: whether tools may be called.
    """

    job: Job
    stops: tuple[str, ...] = ()
    calls: bool = False


class Generation:
    """The answers of one request on their way; asked for when made. An answer of no tokens is done at once.

    Tokens arrive on the engine's thread and are read there. A live answer wakes the event loop with each
    token; any other with its last one only, so that many small answers cost little.

    Args:
        engine: what generates.
        questions: what is asked; each has one answer.
        spell: gives the bytes of a token.
        live: whether pieces are wanted as they come.
    """

    def __init__(
        self,
        engine: EngineThread,
        questions: Sequence[Question],
        spell: Callable[[int], bytes],
        *,
        live: bool,
    ):
        self._engine, self._spell, self._live = engine, spell, live
        self._arrived, self._loop = asyncio.Event(), asyncio.get_running_loop()
        self._pieces: deque[tuple[int, Piece]] = deque()
        self._failure: GenerationFailed | None = None
        self._going = len(questions)
        self._jobs = [self._job(index, question) for index, question in enumerate(questions)]
        for index, job in enumerate(self._jobs):
            if job.max_tokens or job.given:
                engine.submit(job)
            else:
                self._take(index, Piece("", finish="length"))

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """Give the answers piece by piece, each with its question's index; an answer's last has `finish` set.

        Raises:
            ApiError: the engine gave one up: a schema is too complex (400), or the server is at fault (500).
        """
        while self._going:
            await self._arrived.wait()
            self._arrived.clear()
            if self._failure:
                raise _refusal(self._failure)
            while self._pieces:
                index, piece = self._pieces.popleft()
                self._going -= piece.finish is not None
                yield index, piece

    async def whole(self) -> list[Piece]:
        """Wait for the whole answers, in the order of the questions.

        Raises:
            ApiError: the engine gave one up.
        """
        pieces: list[list[Piece]] = [[] for _ in self._jobs]
        async for index, piece in self.pieces():
            pieces[index].append(piece)
        return [joined(parts) for parts in pieces]

    def cancel(self) -> None:
        """Free the engine of them; does nothing once the engine is done with them."""
        for job in self._jobs:
            self._engine.cancel(job)

    def _job(self, index: int, question: Question) -> Job:
        given = len(question.job.given)
        reader = AnswerReader(self._spell, question.stops, calls=question.calls, given=given)
        listen = partial(self._on_token, index, reader)
        return replace(question.job, on_token=listen, on_error=self._on_error)

    def _on_token(self, index: int, reader: AnswerReader, event: TokenEvent) -> None:
        """Read a token, on the engine's thread; those after a stop string are no part of the answer."""
        if reader.finished:
            return
        piece = reader.read(event)
        if piece.finish and not event.finished:
            self._engine.cancel(self._jobs[index])
        self._take(index, piece)

    def _take(self, index: int, piece: Piece) -> None:
        self._pieces.append((index, piece))
        if self._live or piece.finish:
            self._loop.call_soon_threadsafe(self._arrived.set)

    def _on_error(self, failure: GenerationFailed) -> None:
        self._failure = failure
        self._loop.call_soon_threadsafe(self._arrived.set)


def _refusal(failure: GenerationFailed) -> ApiError:
    """Say whose fault it is that there is no answer."""
    if isinstance(failure, TooComplex):
        return ApiError(f"The answer could not be held to what was asked for: {failure}")
    return server_error(f"The answer could not be generated: {failure}")
