"""What is asked of the engine and what it sends back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import EvalkitError

Finish = Literal["stop", "length"]


class ContextLengthExceeded(EvalkitError):
    """The prompt leaves no room for an answer."""

    def __init__(self, tokens: int, max_len: int):
        self.tokens, self.max_len = tokens, max_len
        super().__init__(
            f"the prompt has {tokens} tokens, but prompt and answer together may have {max_len}; shorten it"
        )


class GenerationFailed(EvalkitError):
    """A job was given up: its numbers overflowed, or one of its callbacks raised (see `__cause__`)."""


class AnyAdapter(Protocol):
    """A LoRA adapter, in whatever form an engine reads it."""

    @property
    def sha256(self) -> str:
        """Hex digest of its numbers: two of the same digest answer alike."""
        ...


class Constraint(Protocol):
    """What one answer may look like, asked token by token while it is written."""

    def mask(self) -> NDArray[np.bool_]:
        """Say of each token whether it may come next: (vocab,). Stop tokens may where the answer may end."""
        ...

    def consume(self, token: int) -> None:
        """Go on behind a token that may come; stop tokens are not consumed."""
        ...


@dataclass(frozen=True, slots=True)
class TokenEvent:
    """One generated token.

    Attributes:
        id: the token. With `finished == "stop"` it is the stop token, which is no part of the answer.
        logprob: its natural log probability under the model, before temperature and constraint.
        top: the most probable (id, logprob) pairs, best first, as many as `Job.logprobs` asked for.
        finished: None while more will come; "length" where max_tokens or the context is used up.
        cached: how many of the prompt's tokens were taken from the prefix cache.
    """

    id: int
    logprob: float
    top: tuple[tuple[int, float], ...] = ()
    finished: Finish | None = None
    cached: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One prompt to be continued. Two jobs are never equal, however alike they are.

    Attributes:
        ids: the prompt's tokens, at least one.
        prefix: how many of its first tokens other jobs are likely to share (a system prompt); 0 = none.
        adapter: the LoRA adapter to answer with; None = the base model.
        given: tokens that the answer begins with, whatever is probable: they are reported with the log
            probabilities that they have, count to no limit and end nothing. So a text can be scored.
        max_tokens: at most this many tokens are generated, the stop token included; at least 1, or 0 where
            tokens are given.
        temperature: 0 takes the most probable token.
        top_p: draw from the smallest set of tokens that has this much probability.
        seed: the same seed draws the same tokens; None = a fresh one. Unused at temperature 0.
        bias, frequency_penalty, presence_penalty: see `sampling.Adjustment`.
        stop_ids: tokens that end the answer.
        logprobs: how many alternatives to report with each token; None = none.
        allow: what the answer must look like; None = anything. It is used up: one for each job.
        on_token: called from the engine's thread with each token; must be quick.
        on_error: called once, from the engine's thread, in place of any further token.
    """

    ids: tuple[int, ...]
    on_token: Callable[[TokenEvent], None]
    prefix: int = 0
    adapter: AnyAdapter | None = None
    max_tokens: int = 256
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int | None = None
    stop_ids: frozenset[int] = frozenset()
    logprobs: int | None = None
    allow: Constraint | None = None
    on_error: Callable[[GenerationFailed], None] | None = None
    given: tuple[int, ...] = ()
    bias: Mapping[int, float] = field(default_factory=dict)
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
