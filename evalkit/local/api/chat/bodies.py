"""Writing the answers of a chat: whole, and as the chunks of a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalkit.local.answer import Piece
from evalkit.local.api.asking import start
from evalkit.local.api.bodies import fingerprint, logprob_of, usage
from evalkit.local.api.chat.asked import Asked
from evalkit.local.chat_template import ToolCall
from evalkit.local.hermes import CallPart
from evalkit.local.rows import new_id, now


def whole(asked: Asked, answers: Sequence[Piece]) -> dict[str, Any]:
    """Write the body of whole answers."""
    return {
        **_head(asked, "chat.completion"),
        "choices": [_choice(asked, index, answer) for index, answer in enumerate(answers)],
        "usage": usage(len(asked.prompt.ids), *answers),
    }


async def chunks(asked: Asked) -> AsyncIterator[dict[str, Any]]:
    """Write the bodies of streamed answers: role, text and calls as they come, reason of the end, usage."""
    with_usage = asked.request.sampling.include_usage
    head = _head(asked, "chat.completion.chunk") | ({"usage": None} if with_usage else {})
    generation = start(asked.services, asked.questions, live=True)
    streams = [_Stream(asked, index) for index in range(len(asked.questions))]
    ends: list[Piece] = []
    try:
        async for index, piece in generation.pieces():
            for choice in streams[index].choices(piece):
                yield {**head, "choices": [choice]}
            if piece.finish:
                ends.append(piece)
        if with_usage:
            yield {**head, "choices": [], "usage": usage(len(asked.prompt.ids), *ends)}
    finally:
        generation.cancel()


def _head(asked: Asked, kind: str) -> dict[str, Any]:
    """Give the fields that every body of one answer begins with."""
    return {
        "id": new_id("chatcmpl-"),
        "object": kind,
        "created": now(),
        "model": asked.model.name,
        "service_tier": "default",
        "system_fingerprint": fingerprint(asked.model),
    }


def _choice(asked: Asked, index: int, answer: Piece) -> dict[str, Any]:
    calls = answer.calls
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if calls and not answer.text else answer.text,
        "refusal": None,
        "annotations": [],
    }
    if calls and asked.request.older:
        message["function_call"] = _function(calls[0])
    elif calls:
        message["tool_calls"] = [
            {"id": new_id("call_"), "type": "function", "function": _function(call)} for call in calls
        ]
    return {
        "index": index,
        "message": message,
        "logprobs": _logprobs(asked, answer),
        "finish_reason": _reason(asked, answer, called=bool(calls)),
    }


def _function(call: ToolCall) -> dict[str, str]:
    return {"name": call.name, "arguments": call.arguments}


def _reason(asked: Asked, piece: Piece, *, called: bool) -> str | None:
    if not called or piece.finish != "stop":
        return piece.finish
    return "function_call" if asked.request.older else "tool_calls"


@dataclass(slots=True)
class _Stream:
    """One streamed answer, and what has been said of it."""

    asked: Asked
    index: int
    ids: dict[int, str] = field(default_factory=dict)  # of its calls
    opened: bool = False

    def choices(self, piece: Piece) -> list[dict[str, Any]]:
        """Write the choice objects that a piece gives; none where nothing is certain yet."""
        deltas: list[tuple[dict[str, Any], Any]] = []
        if piece.text or piece.tokens:
            deltas.append(({"content": piece.text}, _logprobs(self.asked, piece)))
        deltas += [(self._call(part), None) for part in piece.parts]
        if not self.opened and (deltas or piece.finish):
            self.opened = True
            content = None if piece.parts and not piece.text else ""
            deltas.insert(0, ({"role": "assistant", "content": content, "refusal": None}, None))
        written = [self._written(delta, logprobs) for delta, logprobs in deltas]
        if piece.finish:
            written.append(self._written({}, None, _reason(self.asked, piece, called=bool(self.ids))))
        return written

    def _call(self, part: CallPart) -> dict[str, Any]:
        function: dict[str, Any] = {"arguments": part.arguments}
        if part.name is not None:
            function = {"name": part.name, **function}
        if self.asked.request.older:
            self.ids[part.index] = ""
            return {"function_call": function}
        if part.index in self.ids:
            return {"tool_calls": [{"index": part.index, "function": function}]}
        self.ids[part.index] = new_id("call_")
        opened = {"index": part.index, "id": self.ids[part.index], "type": "function", "function": function}
        return {"tool_calls": [opened]}

    def _written(
        self, delta: Mapping[str, Any], logprobs: Mapping[str, Any] | None, finish: str | None = None
    ) -> dict[str, Any]:
        return {"index": self.index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}


def _logprobs(asked: Asked, answer: Piece) -> dict[str, Any] | None:
    if asked.request.logprobs is None:
        return None
    return {"content": [logprob_of(asked.services, token) for token in answer.tokens], "refusal": None}
