"""POST /v1/completions, the legacy interface: a text is continued."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
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
from evalkit.local.chat_template import Prompt
from evalkit.local.generation import Generation, Question
from evalkit.local.http.errors import ApiError, not_supported
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields, read_json, wrong_type
from evalkit.local.rows import new_id, now
from evalkit.local.served import ServedModel
from evalkit.local.services import Services, services_of

MAX_TOKENS = 16  # OpenAI's default
MOST_LOGPROBS = 5
MOST_PROMPTS = 2048
LONG = 20_000  # characters or tokens: longer prompts are encoded off the event loop
KNOWN = ("prompt", "max_tokens", "echo", "logprobs", "best_of", "suffix")
UNSUPPORTED: dict[str, tuple[Any, ...]] = {"best_of": (1,), "suffix": ("",)}

Tokens = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A request as it was read. A prompt is a text, or tokens."""

    model: str
    prompts: tuple[str | Tokens, ...]
    max_tokens: int
    sampling: Sampling
    echo: bool
    logprobs: int | None


@dataclass(frozen=True, slots=True)
class Asked:
    """What the bodies of the answers say beside the answers."""

    services: Services
    request: CompletionRequest
    model: ServedModel
    prompts: tuple[Prompt, ...]

    def head(self) -> dict[str, Any]:
        """Give the fields that every body begins with."""
        return {
            "id": new_id("cmpl-"),
            "object": "text_completion",
            "created": now(),
            "model": self.model.name,
            "system_fingerprint": fingerprint(self.model),
        }

    def asked_text(self, index: int) -> str:
        """Give a prompt as text."""
        return self.services.template.text(self.prompts[index].ids)

    def usage(self, answers: Sequence[Piece]) -> dict[str, Any]:
        """Give the usage of all prompts together."""
        return usage(sum(len(prompt.ids) for prompt in self.prompts), *answers)


async def create(request: Request) -> Response:
    """Continue one prompt or several, whole or as a stream."""
    services = services_of(request)
    read = read_completion(Fields(read_json(await request.body())))
    asked = await _prepared(services, read)
    ready = (services, asked.model)
    questions = [question_for(*ready, prompt, read, param="prompt") for prompt in asked.prompts]
    if read.sampling.stream:
        return EventStream(_chunks(asked, questions))
    generations = [start(services, question, live=False) for question in questions]
    try:
        answers = await unless_gone(request, _all(generations))
    finally:
        for generation in generations:
            generation.cancel()
    return JsonResponse(_whole(asked, answers))


def read_completion(body: Fields) -> CompletionRequest:
    """Read a request body.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported.
    """
    model = read_model(body)
    body.only(*SHARED, *NEUTRAL, *KNOWN)
    body.unsupported({**NEUTRAL, **UNSUPPORTED})
    read = CompletionRequest(
        model=model,
        prompts=_read_prompts(body.get("prompt")),
        max_tokens=body.integer("max_tokens", MAX_TOKENS, low=0),
        sampling=read_sampling(body),
        echo=body.boolean("echo"),
        logprobs=body.integer("logprobs", None, low=0, high=MOST_LOGPROBS),
    )
    if read.echo and read.logprobs is not None:
        raise not_supported("'logprobs' together with 'echo'", "logprobs")
    return read


def _read_prompts(value: object) -> tuple[str | Tokens, ...]:
    """Read any of the four forms: a text, texts, tokens, lists of tokens."""
    if value is None:
        return ("",)
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and 0 < len(value) <= MOST_PROMPTS:
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


async def _prepared(services: Services, request: CompletionRequest) -> Asked:
    """Find the model and turn the prompts into tokens."""
    model = services.models.find(request.model)
    if sum(map(len, request.prompts)) > LONG:
        prompts = await asyncio.to_thread(_encoded, services, request.prompts)
    else:
        prompts = _encoded(services, request.prompts)
    return Asked(services, request, model, prompts)


def _encoded(services: Services, prompts: Sequence[str | Tokens]) -> tuple[Prompt, ...]:
    out = []
    for prompt in prompts:
        if isinstance(prompt, str):
            out.append(services.template.text_prompt(prompt))
        else:
            _check_tokens(prompt, len(services.vocabulary))
            out.append(Prompt(prompt, prefix=0))
    return tuple(out)


def _check_tokens(tokens: Tokens, vocabulary: int) -> None:
    for token in tokens:
        if not 0 <= token < vocabulary:
            raise ApiError(
                f"Invalid 'prompt': token ids are between 0 and {vocabulary - 1}, but got {token} instead.",
                param="prompt",
                code="invalid_value",
            )


async def _all(generations: Sequence[Generation]) -> list[Piece]:
    return await asyncio.gather(*(generation.whole() for generation in generations))


def _whole(asked: Asked, answers: Sequence[Piece]) -> dict[str, Any]:
    """Write the body of whole answers."""
    choices = []
    for index, answer in enumerate(answers):
        asked_text = asked.asked_text(index)
        text = asked_text + answer.text if asked.request.echo else answer.text
        choices.append(_choice(asked, index, text, answer, len(asked_text)))
    return {**asked.head(), "choices": choices, "usage": asked.usage(answers)}


async def _chunks(asked: Asked, questions: Sequence[Question]) -> AsyncIterator[dict[str, Any]]:
    """Write the bodies of streamed answers, prompt after prompt; all are generated at the same time."""
    with_usage = asked.request.sampling.include_usage
    head = asked.head() | ({"usage": None} if with_usage else {})
    generations = [start(asked.services, question, live=True) for question in questions]
    ends: list[Piece] = []
    try:
        for index, generation in enumerate(generations):
            async for piece, choice in _choices(asked, index, generation):
                yield {**head, "choices": [choice]}
                if piece.finish:
                    ends.append(piece)
    finally:
        for generation in generations:
            generation.cancel()
    if with_usage:
        yield {**head, "choices": [], "usage": asked.usage(ends)}


async def _choices(
    asked: Asked, index: int, generation: Generation
) -> AsyncIterator[tuple[Piece, dict[str, Any]]]:
    """Give the pieces of one streamed answer, each with its choice object; the first may echo the prompt."""
    asked_text = asked.asked_text(index)
    offset = len(asked_text)
    echo = asked_text if asked.request.echo else ""
    async for piece in generation.pieces():
        if piece.text or piece.tokens or piece.finish or echo:
            yield piece, _choice(asked, index, echo + piece.text, piece, offset)
        offset, echo = offset + len(piece.text), ""


def _choice(asked: Asked, index: int, text: str, piece: Piece, offset: int) -> dict[str, Any]:
    logprobs = _logprobs(asked, piece, offset) if asked.request.logprobs is not None else None
    return {"index": index, "text": text, "logprobs": logprobs, "finish_reason": piece.finish}


def _logprobs(asked: Asked, answer: Piece, offset: int) -> dict[str, Any]:
    """Write the log probabilities; `offset`: how many characters stand before this piece."""
    spell = asked.services.spell
    texts = [token_text(spell(token.id)) for token in answer.tokens]
    return {
        "tokens": texts,
        "token_logprobs": [finite(token.logprob) for token in answer.tokens],
        "top_logprobs": [
            {token_text(spell(other)): finite(logprob) for other, logprob in token.top}
            for token in answer.tokens
        ],
        "text_offset": [offset + length for length in _lengths_before(asked, answer)],
    }


def _lengths_before(asked: Asked, answer: Piece) -> list[int]:
    """Count the characters of a piece that stand before each of its tokens."""
    data, lengths = b"", []
    for token in answer.tokens:
        lengths.append(len(data.decode("utf-8", "ignore")))
        data += asked.services.spell(token.id)
    return lengths
