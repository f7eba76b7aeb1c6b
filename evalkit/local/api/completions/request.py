"""Reading the request of a legacy completion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evalkit.local.api.sampling import SHARED, Sampling, read_model, read_sampling
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, wrong_type

MAX_TOKENS = 16  # OpenAI's default
MOST_LOGPROBS = 5
MOST_DRAWN = 20  # best_of
MOST_ANSWERS = 2048  # of one request, over all its prompts
KNOWN = ("prompt", "max_tokens", "echo", "logprobs", "best_of", "suffix")
UNSUPPORTED: dict[str, tuple[Any, ...]] = {"suffix": ("",)}

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A request as it was read.

    Attributes:
        prompts: each a text, or tokens.
        drawn: how many answers are generated to each prompt, the best `sampling.answers` of which are given.
        logprobs: how many alternatives to report with each token; None = none.
    """

    model: str
    prompts: tuple[str | Tokens, ...]
    max_tokens: int
    sampling: Sampling
    drawn: int
    echo: bool
    logprobs: int | None

    @property
    def scores_prompt(self) -> bool:
        """Whether the prompt's own log probabilities are wanted."""
        return self.echo and self.logprobs is not None


def read_completion(body: Fields) -> CompletionRequest:
    """Read a request body.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported.
    """
    model = read_model(body)
    body.only(*SHARED, *KNOWN)
    body.unsupported(UNSUPPORTED)
    sampling = read_sampling(body)
    prompts, drawn = _read_prompts(body.get("prompt")), _read_drawn(body, sampling)
    if len(prompts) * drawn > MOST_ANSWERS:
        raise ApiError(
            f"You requested {len(prompts) * drawn} completions; at most {MOST_ANSWERS} are generated for one "
            "request.",
            param="prompt",
        )
    return CompletionRequest(
        model=model,
        prompts=prompts,
        max_tokens=body.integer("max_tokens", MAX_TOKENS, low=0),
        sampling=sampling,
        drawn=drawn,
        echo=body.boolean("echo"),
        logprobs=body.integer("logprobs", None, low=0, high=MOST_LOGPROBS),
    )


def _read_drawn(body: Fields, sampling: Sampling) -> int:
    drawn = body.integer("best_of", sampling.answers, low=0, high=max(MOST_DRAWN, sampling.answers))
    if drawn < sampling.answers:
        raise ApiError(
            "You requested that the server return more choices than it will generate (HINT: you must set 'n' "
            f"(currently {sampling.answers}) to be at most 'best_of' (currently {drawn}), or omit either "
            "parameter if you don't specifically want to use them.)",
            param="best_of",
        )
    if sampling.stream and drawn > sampling.answers:
        raise ApiError(
            "Results of 'best_of' cannot be streamed: leave out 'stream' or 'best_of'.", param="best_of"
        )
    return drawn


def _read_prompts(value: object) -> tuple[str | Tokens, ...]:
    """Read any of the four forms: a text, texts, tokens, lists of tokens."""
    if value is None:
        return ("",)
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return tuple(value)
        if _are_tokens(value):
            return (tuple(value),)
        if all(isinstance(item, list) and _are_tokens(item) for item in value):
            return tuple(tuple(item) for item in value)
    expected = "a string, an array of strings, an array of integers, or an array of integer arrays"
    raise wrong_type("prompt", expected, value)


def _are_tokens(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, int) and not isinstance(item, bool) for item in items)
