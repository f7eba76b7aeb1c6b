"""The engine: jobs wait in a queue, take a slot as one falls free, and are answered token by token."""

from __future__ import annotations

import logging
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Protocol

from evalkit.errors import UsageError
from evalkit.local.engine.answer import Answer
from evalkit.local.engine.job import AnyAdapter, ContextLengthExceeded, GenerationFailed, Job
from evalkit.local.engine.slots import Slots
from evalkit.local.engine.weights import Array, Model

log = logging.getLogger(__name__)


class Numbers(Protocol):
    """What computes: a prompt is put into a slot, then all slots go on token by token.

    Attributes:
        count: how many slots there are.
        max_len: the longest prompt and answer together, in tokens.
        vocab: how many tokens the model knows.
    """

    @property
    def count(self) -> int: ...
    @property
    def max_len(self) -> int: ...
    @property
    def vocab(self) -> int: ...

    def fits(self, adapter: AnyAdapter) -> bool:
        """Whether the model can wear it."""
        ...

    def prefill(
        self, slot: int, ids: Sequence[int], prefix: int, adapter: AnyAdapter | None
    ) -> tuple[Array, int]:
        """Put a prompt into a free slot, its first `prefix` tokens perhaps from a cache.

        Returns:
            log probabilities (vocab,) of the next token, and how many tokens came from the cache.
        """
        ...

    def decode(
        self, ids: Sequence[int], positions: Sequence[int], adapters: Sequence[AnyAdapter | None]
    ) -> Array:
        """One token further in every slot -> log probabilities (slots, vocab).

        ids, positions, adapters: the token that each slot goes on from, where it stands, and with which
        adapter; a free slot says 0, 0, None and its row means nothing.
        """
        ...

    def free(self, slot: int, length: int) -> None:
        """Forget the first `length` tokens of a slot."""
        ...


class BatchEngine:
    """Answers many jobs at once, each as if it were alone.

    Args:
        numbers: computes.
    """

    def __init__(self, numbers: Numbers):
        self.max_len = numbers.max_len
        self._numbers = numbers
        self._answers: list[Answer | None] = [None] * numbers.count
        self._queue: deque[Job] = deque()
        self._cancelled: set[Job] = set()
        self._changed = threading.Condition()

    def submit(self, job: Job) -> None:
        """Queue a job; from any thread.

        Raises:
            ContextLengthExceeded: the prompt leaves no room for a token.
            UsageError: the job does not fit the model.
        """
        self._check(job)
        with self._changed:
            self._queue.append(job)
            self._changed.notify()

    def _check(self, job: Job) -> None:
        tokens = (*job.ids, *job.given)
        if len(tokens) + (job.max_tokens > 0) > self.max_len:
            raise ContextLengthExceeded(len(tokens), self.max_len)
        if not job.ids or min(tokens) < 0 or max(tokens) >= self._numbers.vocab:
            raise UsageError(f"a prompt is one or more tokens from 0 to {self._numbers.vocab - 1}")
        if job.max_tokens < (0 if job.given else 1):
            raise UsageError(f"max_tokens is {job.max_tokens}; at least 1 is needed")
        if job.adapter is not None and not self._numbers.fits(job.adapter):
            raise UsageError("the adapter was trained for a model of other sizes; train it for this one")

    def cancel(self, job: Job) -> None:
        """Stop a job, wherever it is; a token under way may still be sent. From any thread or callback."""
        with self._changed:
            self._cancelled.add(job)

    def run_forever(self, stop: threading.Event) -> None:
        """Work whenever there is work, until `stop` is set (noticed within a quarter of a second)."""
        while not stop.is_set():
            if not self.step():
                with self._changed:
                    self._changed.wait_for(lambda: self._queue or stop.is_set(), timeout=0.25)

    def step(self) -> bool:
        """Fill free slots and go one token further in all others; False when nothing is left to do."""
        self._admit()
        self._drop_cancelled()
        if any(self._answers):
            self._decode()
        return bool(self._queue) or any(self._answers)

    def _admit(self) -> None:
        for slot, answer in enumerate(self._answers):
            if answer is None and (job := self._next_job()):
                self._prefill(slot, job)

    def _next_job(self) -> Job | None:
        with self._changed:
            while self._queue:
                job = self._queue.popleft()
                if job not in self._cancelled:
                    return job
                self._cancelled.remove(job)
        return None

    def _drop_cancelled(self) -> None:
        if not self._cancelled:
            return
        with self._changed:
            cancelled = self._cancelled
            self._cancelled = cancelled & set(self._queue)  # `_next_job` will meet these
        for slot, answer in self._taken():
            if answer.job in cancelled:
                self._free(slot)

    def _taken(self) -> Iterator[tuple[int, Answer]]:
        for slot, answer in enumerate(self._answers):
            if answer is not None:
                yield slot, answer

    def _prefill(self, slot: int, job: Job) -> None:
        seed = secrets.randbits(64) if job.seed is None else job.seed
        answer = Answer(job, seed)
        self._answers[slot] = answer
        logprobs, answer.cached = self._numbers.prefill(slot, job.ids, job.prefix, job.adapter)
        self._advance(slot, answer, logprobs)

    def _decode(self) -> None:
        logprobs = self._numbers.decode(
            ids=[answer.last if answer else 0 for answer in self._answers],
            positions=[answer.position if answer else 0 for answer in self._answers],
            adapters=[answer.job.adapter if answer else None for answer in self._answers],
        )
        for slot, answer in self._taken():
            self._advance(slot, answer, logprobs[slot])

    def _advance(self, slot: int, answer: Answer, logprobs: Array) -> None:
        """Send the next token; the slot falls free with the last one, or when something goes wrong."""
        try:
            event = answer.advance(logprobs, self.max_len)
            answer.job.on_token(event)
        except Exception as error:  # one job's fault must not stop the others
            self._free(slot)
            _report_failure(answer.job, error)
        else:
            if event.finished:
                self._free(slot)

    def _free(self, slot: int) -> None:
        if answer := self._answers[slot]:
            self._numbers.free(slot, answer.position + 1)
            self._answers[slot] = None


class Engine(BatchEngine):
    """The engine of numpy.

    Decoding always runs over all slots, however few are taken: a job then gets the same tokens and log
    probabilities in company and alone, in whatever slot, whether or not its prefix was cached.

    Args:
        model: the base model.
        slots: how many jobs are answered at once.
        max_len: the longest prompt and answer together, in tokens; at most the model's positions.
        prefix_bytes: memory for prefixes.
    """

    def __init__(
        self,
        model: Model,
        slots: int = 16,
        max_len: int = 1024,
        prefix_bytes: int = 64 * 2**20,
    ):
        self.model = model
        most = min(max_len, model.config.positions)
        super().__init__(Slots(model, slots, most, prefix_bytes))


def _report_failure(job: Job, error: Exception) -> None:
    if isinstance(error, GenerationFailed):
        failure = error
    else:
        failure = GenerationFailed(f"a callback raised {error!r}")
        failure.__cause__ = error
    log.warning("job given up: %s", failure)
    if job.on_error:
        job.on_error(failure)
