"""From a request that was read to the engine, and back: what every endpoint that generates does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from starlette.requests import ClientDisconnect, Request

from evalkit.local.api.sampling import Sampling
from evalkit.local.chat_template import Prompt
from evalkit.local.engine.job import Job, TokenEvent
from evalkit.local.generation import Generation, Question
from evalkit.local.http.errors import ApiError
from evalkit.local.served import ServedModel
from evalkit.local.services import Services

Result = TypeVar("Result")
LONG = 20_000  # characters, bytes or tokens: what is longer is worked on beside the event loop


async def worked(length: int, work: Callable[[], Result]) -> Result:
    """Do work on something of this length, beside the event loop if it is long."""
    return await asyncio.to_thread(work) if length > LONG else work()


def job_for(
    services: Services, model: ServedModel, prompt: Prompt, sampling: Sampling, max_tokens: int
) -> Job:
    """Write what the engine is asked, save for the seed.

    Raises:
        ApiError: `logit_bias` names a token that the model does not have.
    """
    check_tokens(sampling.bias, len(services.vocabulary), "logit_bias")
    return Job(
        ids=prompt.ids,
        on_token=_nobody_listens,
        prefix=prompt.prefix,
        adapter=services.models.adapter(model),
        max_tokens=max_tokens,
        temperature=sampling.temperature,
        top_p=sampling.top_p,
        stop_ids=services.template.stop_ids,
        bias=sampling.bias,
        frequency_penalty=sampling.frequency_penalty,
        presence_penalty=sampling.presence_penalty,
    )


def _nobody_listens(_event: TokenEvent) -> None:
    """`Generation` listens."""


def start(services: Services, questions: Sequence[Question], *, live: bool) -> Generation:
    """Begin to generate the answers of one request."""
    return Generation(services.engine, questions, services.spell, live=live)


def room(most: int, prompt: int, wanted: int | None, *, param: str) -> int:
    """Give how many tokens an answer may have.

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


def check_tokens(tokens: Iterable[int], vocabulary: int, param: str) -> None:
    """Refuse tokens that the model does not know.

    Raises:
        ApiError: names the first of them.
    """
    for token in tokens:
        if not 0 <= token < vocabulary:
            raise ApiError(
                f"Invalid '{param}': token ids are between 0 and {vocabulary - 1}, but got {token} instead.",
                param=param,
                code="invalid_value",
            )


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
