"""A body in OpenAI's shape -> Response. What the server left out stays None: nothing is invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.endpoints.base import Kind, Response, Usage
from evalkit.endpoints.faults import bad_response, told_late, too_large

Body = Mapping[str, Any]

MAX_BODY_BYTES = 16 * 1024 * 1024
"""Longer answers are not read to their end: a few at once would fill the memory."""


class WholeAnswer:
    """Takes up a body that comes in one piece, and is whole only when it has ended."""

    whole = done = False

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._bytes = 0

    @property
    def content(self) -> bytes:
        """What has come."""
        return b"".join(self._chunks)

    def feed(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            AskError: they are more than MAX_BODY_BYTES.
        """
        self._chunks.append(chunk)
        self._bytes += len(chunk)
        if self._bytes > MAX_BODY_BYTES:
            raise too_large(MAX_BODY_BYTES)


def read_answer(body: Body, kind: Kind) -> Response:
    """The answer in a chat or completions body; only its first choice is looked at.

    Raises:
        AskError: there is no choice to read.
    """
    choice = _first_choice(body)
    common: dict[str, Any] = {
        "model": _text(body, "model"),
        "finish_reason": _text(choice, "finish_reason"),
        "system_fingerprint": _text(body, "system_fingerprint"),
        "usage": read_usage(body.get("usage")),
    }
    if kind == "completions":
        return Response(text=_text(choice, "text"), **common)
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise bad_response("the first choice holds no message")
    return Response(
        text=content_text(message.get("content")),
        tool_calls=_tool_calls(message.get("tool_calls")),
        reasoning=_text(message, "reasoning_content") or _text(message, "reasoning"),
        refusal=_text(message, "refusal"),
        **common,
    )


def read_usage(usage: Any) -> Usage:
    """Token counts as the server gives them; anything but a whole number from 0 up is no count."""
    if not isinstance(usage, Mapping):
        return Usage()
    details = usage.get("prompt_tokens_details")
    return Usage(
        prompt_tokens=_count(usage, "prompt_tokens"),
        cached_tokens=_count(details, "cached_tokens") if isinstance(details, Mapping) else None,
        completion_tokens=_count(usage, "completion_tokens"),
        total_tokens=_count(usage, "total_tokens"),
    )


def _first_choice(body: Body) -> Body:
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        if body.get("error"):
            raise told_late(body["error"], str)
        raise bad_response("the answer holds no choices")
    return choices[0]


def content_text(content: Any) -> str | None:
    """A message's text; some servers give it as a list of parts."""
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else None


def _tool_calls(calls: Any) -> tuple[Body, ...]:
    return tuple(call for call in calls if isinstance(call, Mapping)) if isinstance(calls, list) else ()


def _text(body: Body, key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) else None


def _count(usage: Body, key: str) -> int | None:
    value = usage.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
