"""One job on its way: what was generated so far, and which token comes next."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from evalkit.local.engine.job import Finish, GenerationFailed, Job, TokenEvent
from evalkit.local.engine.sampling import by_chance, by_probability, chance_at, top_tokens
from evalkit.local.engine.weights import Array


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
    last: int
    cached: int = 0
    text: bytes = b""

    def advance(self, logprobs: Array, vocabulary: Sequence[bytes], max_len: int) -> TokenEvent:
        """Choose the next token, given the log probabilities (vocab,) of each, and go on to it.

        Raises:
            GenerationFailed: the numbers overflowed, or the constraint permits nothing.
        """
        if not math.isfinite(logprobs[0]):  # one number that is none spoils the whole row
            raise GenerationFailed("the numbers overflowed; the adapter or the weights are unusable")
        token = self._permitted(self._candidates(logprobs), vocabulary)
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
        return self.position + 1 - len(self.job.ids)

    def _candidates(self, logprobs: Array) -> Iterator[int]:
        """Tokens in the order in which they are to be tried."""
        if self.job.temperature <= 0:
            return by_probability(logprobs)
        chance = chance_at(self.seed, self._generated)
        return by_chance(logprobs, self.job.temperature, self.job.top_p, chance)

    def _permitted(self, tokens: Iterator[int], vocabulary: Sequence[bytes]) -> int:
        """The first of `tokens` that the job's constraint lets follow; its bytes join the text."""
        allow = self.job.allow
        if allow is None:
            return next(tokens)
        for token in tokens:
            if token in self.job.stop_ids:
                if allow.may_end(self.text):
                    return token
            elif vocabulary[token] and allow(self.text + vocabulary[token]):
                self.text += vocabulary[token]
                return token
        raise GenerationFailed("the constraint permits no token here, and no end")

    def _finished(self, max_len: int) -> Finish | None:
        if self.last in self.job.stop_ids:
            return "stop"
        full = self._generated >= self.job.max_tokens or self.position + 1 >= max_len
        return "length" if full else None
