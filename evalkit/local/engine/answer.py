"""One job on its way: what was generated so far, and which token comes next."""

from __future__ import annotations

import math

import numpy as np

from evalkit.local.engine.job import Finish, GenerationFailed, Job, TokenEvent
from evalkit.local.engine.sampling import Adjustment, chance_at, drawn, most_probable, top_tokens
from evalkit.local.engine.weights import Array


class Answer:
    """A job in a slot, and how far it has come.

    Args:
        job: what is asked.
        seed: of its draws.

    Attributes:
        position: where `last` stands, counted from the prompt's first token.
        last: the token that the next one follows.
        cached: prompt tokens that came from the prefix cache.
    """

    def __init__(self, job: Job, seed: int):
        self.job = job
        self.position, self.last, self.cached = len(job.ids) - 1, job.ids[-1], 0
        self._seed = seed
        self._adjustment = Adjustment(job.bias, job.frequency_penalty, job.presence_penalty)

    def advance(self, logprobs: Array, max_len: int) -> TokenEvent:
        """Choose the next token, given the log probabilities (vocab,) of each, and go on to it.

        Raises:
            GenerationFailed: the numbers overflowed, or the constraint permits nothing.
        """
        if not math.isfinite(logprobs[0]):  # one number that is none spoils the whole row
            raise GenerationFailed("the numbers overflowed; the adapter or the weights are unusable")
        token = self._next(logprobs)
        self.last, self.position = token, self.position + 1
        return TokenEvent(
            id=token,
            logprob=float(logprobs[token]),
            top=top_tokens(logprobs, self.job.logprobs) if self.job.logprobs else (),
            finished=self._finished(max_len),
            cached=self.cached,
        )

    @property
    def _generated(self) -> int:
        """Tokens generated so far; negative while tokens that are given are still to come."""
        return self.position + 1 - len(self.job.ids) - len(self.job.given)

    def _next(self, logprobs: Array) -> int:
        if self._generated < 0:
            return self.job.given[self._generated]
        token = self._chosen(self._permitted(self._adjustment.applied(logprobs)))
        self._adjustment.count(token)
        if self.job.allow and token not in self.job.stop_ids:
            self.job.allow.consume(token)
        return token

    def _permitted(self, logprobs: Array) -> Array:
        """Rule out what the job's constraint does."""
        if self.job.allow is None:
            return logprobs
        mask = self.job.allow.mask()
        if not mask.any():
            raise GenerationFailed("the constraint permits no token here, and no end")
        return np.where(mask, logprobs, np.float32(-np.inf))

    def _chosen(self, logprobs: Array) -> int:
        if self.job.temperature <= 0:
            return most_probable(logprobs)
        chance = chance_at(self._seed, self._generated)
        return drawn(logprobs, self.job.temperature, self.job.top_p, chance)

    def _finished(self, max_len: int) -> Finish | None:
        if self._generated > 0 and self.last in self.job.stop_ids:
            return "stop"
        full = self._generated >= self.job.max_tokens or self.position + 1 >= max_len
        return "length" if full else None
