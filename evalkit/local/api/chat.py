"""POST /v1/chat/completions."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.answer import Piece
from evalkit.local.api.bodies import EventStream, fingerprint, finite, token_text, usage
from evalkit.local.api.sampling import (
    NEUTRAL,
    SHARED,
    Sampling,
    question_for,
    read_model,
    read_sampling,
    start,
    unless_gone,
)
from evalkit.local.chat_template import Message, Prompt, Role, text_of
from evalkit.local.constrain import read_response_format
from evalkit.local.engine.job import TokenEvent
from evalkit.local.generation import Question
from evalkit.local.grammar import Constrained, Grammar
from evalkit.local.http.errors import ApiError, not_supported
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields, read_json, wrong_type
from evalkit.local.rows import new_id, now
from evalkit.local.served import ServedModel
from evalkit.local.services import Services, services_of

ROLES: dict[str, Role | None] = {  # None: OpenAI's, but not supported yet
    "system": "system",
    "assistant": "assistant",
    "user": "user",
    "function": None,
    "tool": None,
    "developer": "system",
}
UNSUPPORTED: dict[str, tuple[Any, ...]] = {  # with the values that ask for nothing
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "parallel_tool_calls": (True, False),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
    "moderation": (),
}
KNOWN = ("messages", "max_tokens", "max_completion_tokens", "logprobs", "top_logprobs", "response_format")
MOST_LOGPROBS = 20
LONG = 20_000  # characters: longer prompts are encoded off the event loop,
PER_MESSAGE = 50  # to which each message adds so many for its own work


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request as it was read. `logprobs`: how many alternatives to report with each token; None = none."""

    model: str
    messages: tuple[Message, ...]
    max_tokens: int | None
    sampling: Sampling
    logprobs: int | None
    grammar: Grammar | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answer's bodies say beside the answer."""

    services: Services
    request: ChatRequest
    model: ServedModel
    prompt: Prompt

    def head(self, kind: str) -> dict[str, Any]:
        """Give the fields that every body of one answer begins with."""
        return {
            "id": new_id("chatcmpl-"),
            "object": kind,
            "created": now(),
            "model": self.model.name,
            "service_tier": "default",
            "system_fingerprint": fingerprint(self.model),
        }


async def create(request: Request) -> Response:
    """Answer a chat, whole or as a stream."""
    services = services_of(request)
    asked = await _prepared(services, read_chat(Fields(read_json(await request.body()))))
    question = _question(asked)
    if asked.request.sampling.stream:
        return EventStream(_chunks(asked, question))
    generation = start(services, question, live=False)
    try:
        return JsonResponse(_whole(asked, await unless_gone(request, generation.whole())))
    finally:
        generation.cancel()


def read_chat(body: Fields) -> ChatRequest:
    """Read a request body.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported.
    """
    model = read_model(body)
    body.only(*SHARED, *NEUTRAL, *UNSUPPORTED, *KNOWN)
    body.unsupported({**NEUTRAL, **UNSUPPORTED})
    return ChatRequest(
        model=model,
        messages=tuple(_read_message(message) for message in body.objects("messages")),
        max_tokens=_read_max_tokens(body),
        sampling=read_sampling(body),
        logprobs=_read_logprobs(body),
        grammar=read_response_format(body),
    )


def _read_message(message: Fields) -> Message:
    message.only("role", "content", "name", "refusal", "tool_calls", "function_call", "audio", "annotations")
    role = ROLES[message.choice("role", tuple(ROLES))]
    if role is None:
        raise not_supported(f"A message of role '{message.get('role')}'", message.place("role"))
    message.unsupported({"tool_calls": ([],), "function_call": (), "audio": (), "refusal": ()})
    content = message.required("content")
    text = text_of(content)
    if text is None:
        expected = "a string or an array of content parts of type 'text'"
        raise wrong_type(message.place("content"), expected, content)
    return Message(role, text)


def _read_max_tokens(body: Fields) -> int | None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise ApiError(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    current = body.integer("max_completion_tokens", None, low=1)
    return body.integer("max_tokens", None, low=1) if current is None else current


def _read_logprobs(body: Fields) -> int | None:
    wanted, top = body.boolean("logprobs"), body.integer("top_logprobs", None, low=0, high=MOST_LOGPROBS)
    if top is not None and not wanted:
        raise ApiError(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs"
        )
    return (top or 0) if wanted else None


async def _prepared(services: Services, request: ChatRequest) -> Asked:
    """Find the model and lay out the prompt."""
    model = services.models.find(request.model)
    if sum(len(message.text) + PER_MESSAGE for message in request.messages) > LONG:
        prompt = await asyncio.to_thread(services.template.prompt, request.messages)
    else:
        prompt = services.template.prompt(request.messages)
    return Asked(services, request, model, prompt)


def _question(asked: Asked) -> Question:
    free = question_for(asked.services, asked.model, asked.prompt, asked.request, param="messages")
    grammar = asked.request.grammar
    return replace(free, allow=Constrained(grammar)) if grammar else free


def _whole(asked: Asked, answer: Piece) -> dict[str, Any]:
    """Write the body of a whole answer."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []},
        "logprobs": _logprobs(asked, answer),
        "finish_reason": answer.finish,
    }
    tokens = usage(len(asked.prompt.ids), answer)
    return {**asked.head("chat.completion"), "choices": [choice], "usage": tokens}


async def _chunks(asked: Asked, question: Question) -> AsyncIterator[dict[str, Any]]:
    """Write the bodies of a streamed answer: role, text as it comes, reason of the end, usage."""
    with_usage = asked.request.sampling.include_usage
    head = asked.head("chat.completion.chunk") | ({"usage": None} if with_usage else {})
    generation = start(asked.services, question, live=True)
    try:
        yield {**head, "choices": [_delta({"role": "assistant", "content": "", "refusal": None})]}
        async for piece in generation.pieces():
            if piece.text or piece.tokens:
                yield {**head, "choices": [_delta({"content": piece.text}, _logprobs(asked, piece))]}
            if piece.finish:
                yield {**head, "choices": [_delta({}, finish=piece.finish)]}
                if with_usage:
                    yield {**head, "choices": [], "usage": usage(len(asked.prompt.ids), piece)}
    finally:
        generation.cancel()


def _delta(
    delta: dict[str, Any], logprobs: dict[str, Any] | None = None, finish: str | None = None
) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(asked: Asked, answer: Piece) -> dict[str, Any] | None:
    if asked.request.logprobs is None:
        return None
    return {"content": [_token(asked.services, token) for token in answer.tokens], "refusal": None}


def _token(services: Services, token: TokenEvent) -> dict[str, Any]:
    top = [_alternative(services, other, logprob) for other, logprob in token.top]
    return {**_alternative(services, token.id, token.logprob), "top_logprobs": top}


def _alternative(services: Services, token: int, logprob: float) -> dict[str, Any]:
    data = services.spell(token)
    return {"token": token_text(data), "logprob": finite(logprob), "bytes": list(data)}
