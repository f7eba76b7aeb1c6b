"""What chat and legacy completions have in common: sampling, stop strings, streaming, room for the answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from starlette.requests import ClientDisconnect, Request

from evalkit.local.chat_template import Prompt
from evalkit.local.generation import Generation, Question
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, wrong_type
from evalkit.local.served import ServedModel
from evalkit.local.services import Services

Result = TypeVar("Result")
MOST_STOPS = 4
SEED = 2**63  # seeds are 64-bit integers
IGNORED = ("user", "metadata", "store", "safety_identifier", "prompt_cache_key", "prompt_cache_retention")
SHARED = ("model", "temperature", "top_p", "seed", "stop", "stream", "stream_options", *IGNORED)
NEUTRAL: dict[str, Sequence[Any]] = {
    "n": (1,),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "logit_bias": ({},),
}
"""Fields that change answers, each with the values that leave them as they are: no others are supported."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn and sent; the defaults are OpenAI's."""

    temperature: float
    top_p: float
    seed: int | None
    stops: tuple[str, ...]
    stream: bool
    include_usage: bool


class Asking(Protocol):
    """What requests of both kinds say about the answer."""

    @property
    def sampling(self) -> Sampling:
        """How it is drawn."""

    @property
    def max_tokens(self) -> int | None:
        """How long it may be; None = as long as there is room."""

    @property
    def logprobs(self) -> int | None:
        """How many alternatives are reported with each token; None = no log probabilities."""


def read_model(body: Fields) -> str:
    """Read the name of the model.

    Raises:
        ApiError: there is none.
    """
    name = body.text("model", None)
    if not name:
        raise ApiError("you must provide a model parameter")
    return name


def read_sampling(body: Fields) -> Sampling:
    """Read the fields of SHARED, `model` aside.

    Raises:
        ApiError: one has a wrong type or is out of bounds.
    """
    stream = body.boolean("stream")
    options = body.object("stream_options")
    if options is not None:
        options.only("include_usage", "include_obfuscation")
        if not stream:
            raise ApiError(
                "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
                param="stream_options",
            )
    return Sampling(
        temperature=body.number("temperature", 1.0, low=0, high=2),
        top_p=body.number("top_p", 1.0, low=0, high=1),
        seed=body.integer("seed", None, low=-SEED, high=SEED - 1),
        stops=_read_stops(body.get("stop")),
        stream=stream,
        include_usage=options is not None and options.boolean("include_usage"),
    )


def _read_stops(value: object) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise wrong_type("stop", "one of a string or array of strings", value)
    if len(stops) > MOST_STOPS:
        raise ApiError(
            f"Invalid 'stop': array too long. Expected an array with maximum length {MOST_STOPS}, but got an "
            f"array with length {len(stops)} instead.",
            param="stop",
            code="array_above_max_length",
        )
    if "" in stops:
        raise ApiError(
            "Invalid 'stop': a stop sequence may not be empty.", param="stop", code="invalid_value"
        )
    return tuple(stops)


def room(most: int, prompt: int, wanted: int | None, *, param: str) -> int:
    """Give how many tokens the answer may have.

    Args:
        most: what prompt and answer may have together.
        prompt: tokens of the prompt.
        wanted: max_tokens; None = all that is left.
        param: the field that holds the prompt.

    Raises:
        ApiError: they do not fit (context_length_exceeded).
    """
    if prompt + (1 if wanted is None else wanted) <= most:
        return most - prompt if wanted is None else wanted
    if wanted is None:
        asked = f"your {param} resulted in {prompt} tokens. Please reduce the length of the {param}."
    else:
        asked = (
            f"you requested {prompt + wanted} tokens ({prompt} in the {param}, {wanted} in the completion). "
            f"Please reduce the length of the {param} or completion."
        )
    raise ApiError(
        f"This model's maximum context length is {most} tokens. However, {asked}",
        param=param,
        code="context_length_exceeded",
    )


def question_for(
    services: Services, model: ServedModel, prompt: Prompt, request: Asking, *, param: str
) -> Question:
    """Write what the engine is asked; `param` is the field that holds the prompt.

    Raises:
        ApiError: prompt and answer have no room together (context_length_exceeded).
    """
    sampling = request.sampling
    return Question(
        ids=prompt.ids,
        prefix=prompt.prefix,
        adapter=services.models.adapter(model),
        max_tokens=room(services.engine.max_len, len(prompt.ids), request.max_tokens, param=param),
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        seed=sampling.seed,
        stop_ids=services.template.stop_ids,
        stops=sampling.stops,
        logprobs=request.logprobs,
    )


def start(services: Services, question: Question, *, live: bool) -> Generation:
    """Begin to generate an answer."""
    return Generation(services.engine, question, services.spell, live=live)


async def unless_gone(request: Request, work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for work, but no longer than the client does.

    Raises:
        ClientDisconnect: the client has closed the connection; the work is cancelled.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_left(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if not working.done():
            raise ClientDisconnect
        return working.result()
    finally:
        leaving.cancel()
        working.cancel()


async def _left(request: Request) -> None:
    """Wait until the client is gone: its body is read, so nothing else can come."""
    await request.receive()
