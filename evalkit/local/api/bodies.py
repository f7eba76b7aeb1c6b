"""Parts that several response bodies share."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from typing import Any

from starlette.responses import StreamingResponse

from evalkit.local.answer import Piece
from evalkit.local.engine.job import TokenEvent
from evalkit.local.http.errors import ApiError, server_error
from evalkit.local.http.json_response import encoded
from evalkit.local.served import ServedModel
from evalkit.local.services import Services

log = logging.getLogger("evalkit.local")
LEAST_LOGPROB = -9999.0  # OpenAI's figure for "hardly ever"; JSON has no infinity


def fingerprint(model: ServedModel) -> str:
    """Give `system_fingerprint`."""
    return f"fp_{model.fingerprint}"


def usage(prompt_tokens: int, *answers: Piece) -> dict[str, Any]:
    """Give the usage object of one request."""
    generated = sum(answer.generated for answer in answers)
    cached = sum(answer.cached for answer in answers)
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": generated,
        "total_tokens": prompt_tokens + generated,
        "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def token_text(data: bytes) -> str:
    """Write a token; one that is no whole character as OpenAI does, e.g. `bytes:\\xe2\\x82`."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes:" + "".join(f"\\x{byte:02x}" for byte in data)


def finite(logprob: float) -> float:
    """Give a log probability that JSON can hold."""
    return max(logprob, LEAST_LOGPROB)


def logprob_of(services: Services, token: TokenEvent) -> dict[str, Any]:
    """Write a token with its log probability and its alternatives."""
    top = [_alternative(services, other, logprob) for other, logprob in token.top]
    return {**_alternative(services, token.id, token.logprob), "top_logprobs": top}


def _alternative(services: Services, token: int, logprob: float) -> dict[str, Any]:
    data = services.spell(token)
    return {"token": token_text(data), "logprob": finite(logprob), "bytes": list(data)}


class EventStream(StreamingResponse):
    """Server-sent events: each body a `data:` line, then `data: [DONE]`."""

    def __init__(self, bodies: AsyncIterator[dict[str, Any]]):
        super().__init__(
            _lines(bodies), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )


class TypedEventStream(StreamingResponse):
    """Server-sent events of the Responses API: each has its type and its number, the last ends the stream."""

    def __init__(self, events: AsyncIterator[dict[str, Any]]):
        super().__init__(
            _typed_lines(events), media_type="text/event-stream", headers={"cache-control": "no-store"}
        )


async def _lines(bodies: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    """Write events; a failure midway becomes a last event, since the status has been sent already."""
    try:
        async for body in bodies:
            yield _event(body)
    except ApiError as refusal:
        yield _event(refusal.body())
    except Exception:
        log.exception("a stream broke")
        yield _event(server_error("The server had an error while processing your request.").body())
    yield b"data: [DONE]\n\n"


def _event(body: dict[str, Any]) -> bytes:
    return b"data: " + encoded(body) + b"\n\n"


async def _typed_lines(events: AsyncIterator[dict[str, Any]]) -> AsyncIterator[bytes]:
    number = 0
    try:
        async for event in events:
            yield _typed_event({**event, "sequence_number": number})
            number += 1
    except Exception:
        log.exception("a stream broke")
        fault = {"code": "server_error", "message": "The server had an error.", "param": None}
        yield _typed_event({"type": "error", **fault, "sequence_number": number})


def _typed_event(event: dict[str, Any]) -> bytes:
    return f"event: {event['type']}\n".encode() + _event(event)
