"""The engine: jobs wait in a queue, take a slot as one falls free, and are answered token by token."""

from __future__ import annotations

import logging
import math
import secrets
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.errors import UsageError
from evalkit.local.engine.job import ContextLengthExceeded, Finish, GenerationFailed, Job, TokenEvent
from evalkit.local.engine.sampling import by_chance, by_probability, chance_at, log_softmax, top_tokens
from evalkit.local.engine.slots import Slots
from evalkit.local.engine.weights import Array, Model

log = logging.getLogger(__name__)

SHORTEST_PREFIX = 16
"""A shorter prefix is quicker computed with the rest than looked up apart from it."""


@dataclass(slots=True, eq=False)
class Answer:
    """A job in a slot, and how far it has come.

    Attributes:
        seed: of its draws.
        position: where `last` stands, counted from the prompt's first token.
        last: the token that the next one follows.
        cached: prompt tokens that came from the prefix cache.
        text: the bytes generated so far; kept for a constrained job only.
    """

    job: Job
    seed: int
    position: int
    last: int = 0
    cached: int = 0
    text: bytes = b""


class Engine:
    """Answers many jobs at once, each as if it were alone.

    Decoding always runs over all slots, however few are taken: a job then gets the same tokens and log
    probabilities in company and alone, in whatever slot, whether or not its prefix was cached.

    Args:
        model: the base model.
        slots: how many jobs are answered at once.
        max_len: the longest prompt and answer together, in tokens; at most the model's positions.
        vocabulary: the bytes of each token, b"" for a special one; needed for jobs with `allow`.
        prefix_bytes: memory for prefixes.
    """

    def __init__(
        self,
        model: Model,
        slots: int = 16,
        max_len: int = 1024,
        vocabulary: Sequence[bytes] = (),
        prefix_bytes: int = 64 * 2**20,
    ):
        self.model = model
        self.max_len = min(max_len, model.config.positions)
        self._vocabulary = vocabulary
        self._slots = Slots(model, slots, self.max_len, prefix_bytes)
        self._answers: list[Answer | None] = [None] * slots
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
        if len(job.ids) >= self.max_len:
            raise ContextLengthExceeded(len(job.ids), self.max_len)
        if not job.ids or min(job.ids) < 0 or max(job.ids) >= self.model.config.vocab:
            raise UsageError(f"a prompt is one or more tokens from 0 to {self.model.config.vocab - 1}")
        if job.max_tokens < 1:
            raise UsageError(f"max_tokens is {job.max_tokens}; at least 1 is needed")
        if job.adapter is not None and not job.adapter.fits(self.model.config):
            raise UsageError("the adapter was trained for a model of other sizes; train it for this one")
        if job.allow is not None and not self._vocabulary:
            raise UsageError("a constrained job needs an Engine with a vocabulary")

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

    def _free(self, slot: int) -> None:
        if answer := self._answers[slot]:
            self._slots.free(slot, answer.position + 1)
            self._answers[slot] = None

    def _prefill(self, slot: int, job: Job) -> None:
        seed = secrets.randbits(64) if job.seed is None else job.seed
        answer = Answer(job, seed, position=len(job.ids) - 1)
        self._answers[slot] = answer
        prefix = min(job.prefix, len(job.ids) - 1)
        logits, answer.cached = self._slots.prefill(
            slot, job.ids, prefix if prefix >= SHORTEST_PREFIX else 0, job.adapter
        )
        self._advance(slot, answer, log_softmax(logits)[0])

    def _decode(self) -> None:
        logits = self._slots.decode(
            ids=[answer.last if answer else 0 for answer in self._answers],
            positions=[answer.position if answer else 0 for answer in self._answers],
            adapters=[answer.job.adapter if answer else None for answer in self._answers],
        )
        logprobs = log_softmax(logits)
        for slot, answer in self._taken():
            self._advance(slot, answer, logprobs[slot])

    def _advance(self, slot: int, answer: Answer, logprobs: Array) -> None:
        """Choose the next token, send it, and free the slot if it was the last one."""
        try:
            event = self._choose(answer, logprobs)
            answer.job.on_token(event)
        except Exception as error:  # a callback's fault must not stop the other jobs
            self._fail(slot, answer.job, error)
            return
        answer.last, answer.position = event.id, answer.position + 1
        if event.finished:
            self._free(slot)

    def _choose(self, answer: Answer, logprobs: Array) -> TokenEvent:
        job = answer.job
        if not math.isfinite(logprobs[0]):  # one number that is none spoils the whole row
            raise GenerationFailed("the numbers overflowed; the adapter or the weights are unusable")
        token = self._permitted(answer, candidates(answer, logprobs))
        return TokenEvent(
            id=token,
            logprob=float(logprobs[token]),
            top=top_tokens(logprobs, job.logprobs) if job.logprobs else (),
            finished=self._finish(answer, token),
            cached=answer.cached,
        )

    def _finish(self, answer: Answer, token: int) -> Finish | None:
        if token in answer.job.stop_ids:
            return "stop"
        generated = answer.position + 2 - len(answer.job.ids)
        full = generated >= answer.job.max_tokens or answer.position + 2 >= self.max_len
        return "length" if full else None

    def _permitted(self, answer: Answer, tokens: Iterator[int]) -> int:
        """The first of `tokens` that the job's constraint lets follow; appends it to the answer's text."""
        allow = answer.job.allow
        if allow is None:
            return next(tokens)
        for token in tokens:
            if token in answer.job.stop_ids:
                if allow.may_end(answer.text):
                    return token
            elif (spelled := self._vocabulary[token]) and allow(answer.text + spelled):
                answer.text += spelled
                return token
        raise GenerationFailed("no token may follow: the constraint permits no end and no continuation")

    def _fail(self, slot: int, job: Job, error: Exception) -> None:
        self._free(slot)
        failure = (
            error if isinstance(error, GenerationFailed) else GenerationFailed(f"a callback raised {error!r}")
        )
        failure.__cause__ = error if failure is not error else None
        log.warning("job given up: %s", failure)
        if job.on_error:
            job.on_error(failure)


def candidates(answer: Answer, logprobs: Array) -> Iterator[int]:
    """Tokens in the order in which they are to be tried."""
    job = answer.job
    if job.temperature <= 0:
        return by_probability(logprobs)
    chance = chance_at(answer.seed, answer.position + 1 - len(job.ids))
    return by_chance(logprobs, job.temperature, job.top_p, chance)
