"""A streamed answer: server-sent events -> the body that the same answer has when it comes in one piece.

The events are those of https://html.spec.whatwg.org/multipage/server-sent-events.html, their data OpenAI's
chat.completion.chunk or, for legacy completions, text_completion.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from evalkit.endpoints.answers import MAX_BODY_BYTES
from evalkit.endpoints.base import Kind
from evalkit.endpoints.faults import Clear, bad_response, shorten, told_late, too_large
from evalkit.endpoints.pieces import Pieces
from evalkit.errors import AskError

SHORTEST_PADDING = 4
"""Random letters from this number on (62^4 ways) do not come twice in a row by chance."""


class Event(NamedTuple):
    """One server-sent event; `id` is its own, "" where it has none."""

    data: bytes
    id: bytes = b""


class Events:
    """Bytes, cut anywhere -> events."""

    def __init__(self) -> None:
        self.ignored = bytearray()
        """Lines that belong to no event: all of them, where this is no event stream."""
        self._rest = bytearray()
        self._data: list[bytes] = []
        self._id = b""

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that these bytes complete."""
        self._rest += chunk
        if b"\n" not in chunk and b"\r" not in chunk:
            return []
        lines = bytes(self._rest).splitlines(keepends=True)
        # a CR at the very end may be the first half of CRLF
        self._rest = bytearray() if lines[-1].endswith(b"\n") else bytearray(lines.pop())
        return [event for line in lines if (event := self._line(line))]

    def end(self) -> list[Event]:
        """The last event, where its end was left out."""
        lines = bytes(self._rest), b""
        self._rest = bytearray()
        return [event for line in lines if (event := self._line(line))]

    def _line(self, line: bytes) -> Event | None:
        """The event that a line ends, if it does."""
        content = line.rstrip(b"\r\n").removeprefix(b"\xef\xbb\xbf")
        if not content:
            return self._whole()
        name, _, value = content.partition(b":")
        if name == b"data":
            self._data.append(value.removeprefix(b" "))
        elif name == b"id":
            self._id = value.removeprefix(b" ")
        elif name not in (b"", b"event", b"retry"):  # an empty name: a comment, which keeps the line alive
            self.ignored += line
        return None

    def _whole(self) -> Event | None:
        event = Event(b"\n".join(self._data), self._id) if self._data else None
        self._data, self._id = [], b""
        return event


class Repeats:
    """Tells an event that was delivered twice from two that are alike.

    Evidence, for an event with the same data as its predecessor: the same SSE `id` (unless the server gives
    all events one), OpenAI's random padding (`obfuscation`), or a usage, which would have grown. Without any
    of these a repeated piece of text cannot be told from two equal tokens, and is taken as it came.
    (`completion_tokens` of the end is no evidence: servers cut tokens into pieces, or send several at once.)
    """

    def __init__(self) -> None:
        self._last = Event(b"")
        self._ids_tell = True

    def __call__(self, event: Event, chunk: Mapping[str, Any]) -> bool:
        """Whether `event`, which holds `chunk`, only repeats the event before it."""
        last, self._last = self._last, event
        same_id = event.id != b"" and event.id == last.id
        if event.data != last.data:
            self._ids_tell &= not same_id
            return False
        padding = chunk.get("obfuscation")
        padded = isinstance(padding, str) and len(padding) >= SHORTEST_PADDING
        return (same_id and self._ids_tell) or padded or isinstance(chunk.get("usage"), dict)


class StreamedAnswer:
    """Takes up an answer as it is streamed; only choice 0 counts, and of it nothing after its finish_reason.

    Args:
        clear: takes keys out of what the server said, for messages.

    Attributes:
        first_token_at: when the first piece of text, reasoning, refusal or tool call came; None before.
            By time.perf_counter(), in seconds, like the next.
        ended_at: when the last event came that counts.
        whole: whether there is an answer already: its finish_reason came, or the end of the stream.
        done: whether nothing that counts can follow.
    """

    def __init__(self, clear: Clear) -> None:
        self.first_token_at: float | None = None
        self.ended_at: float | None = None
        self.whole = self.done = False
        self._clear, self._events, self._repeats = clear, Events(), Repeats()
        self._bytes = 0
        self._named: dict[str, Any] = {}
        self._pieces: Pieces | None = None
        self._finish_reason: str | None = None
        self._usage: Mapping[str, Any] | None = None
        self._usage_is_final = False

    def feed(self, chunk: bytes) -> None:
        """The next bytes; once the answer is whole, nothing can spoil it any more.

        Raises:
            AskError: they are more than MAX_BODY_BYTES, cannot be read, or hold an error of the server's.
        """
        self._bytes += len(chunk)
        if self._bytes > MAX_BODY_BYTES:
            if not self.whole:
                raise too_large(MAX_BODY_BYTES)
            self.done = True
        self._take(self._events.feed(chunk))

    def body(self, kind: Kind) -> dict[str, Any]:
        """The answer as it would have come in one piece; `usage` is None where the stream was cut before it.

        Where nothing was streamed although that was asked for, what came is read as the body that it is.

        Raises:
            AskError: the stream ended before the answer did (`bad_response`), or as `feed`.
        """
        self._take(self._events.end())
        if self.whole:
            return self._named | {"choices": self._choices(kind), "usage": self._final_usage()}
        if self.ended_at is None and self._events.ignored:
            return self._read(bytes(self._events.ignored))
        raise bad_response("the stream ended before the answer did (no finish_reason, no [DONE])")

    def _take(self, events: Iterable[Event]) -> None:
        try:
            for event in events:
                if self.done:
                    return
                self._event(event)
        except AskError:
            if not self.whole:
                raise
            self.done = True

    def _event(self, event: Event) -> None:
        if event.data.strip() == b"[DONE]":
            self._usage_is_final = self.whole = self.done = True
            self.ended_at = time.perf_counter()
            return
        chunk = self._read(event.data)
        if chunk.get("error"):
            raise told_late(chunk["error"], self._clear)
        if not self._repeats(event, chunk):
            self._chunk(chunk)

    def _chunk(self, chunk: Mapping[str, Any]) -> None:
        self.ended_at = time.perf_counter()
        for name in ("model", "system_fingerprint"):
            if self._named.get(name) is None:
                self._named[name] = chunk.get(name)
        if not self.whole and (choice := _choice(chunk)) is not None:
            self._choice(choice)
        if isinstance(chunk.get("usage"), dict):
            self._usage, self._usage_is_final = chunk["usage"], self.whole

    def _choice(self, choice: Mapping[str, Any]) -> None:
        if self._pieces is None:
            self._pieces = Pieces()
        delta = choice.get("delta")
        if not isinstance(delta, dict):
            delta = {"content": choice.get("text")}
        if self._pieces.add(delta) and self.first_token_at is None:
            self.first_token_at = self.ended_at
        reason = choice.get("finish_reason")
        if reason and isinstance(reason, str):  # some servers send "" until the end
            self._finish_reason, self.whole = reason, True

    def _choices(self, kind: Kind) -> list[dict[str, Any]]:
        if self._pieces is None:
            return []
        message = self._pieces.message()
        said = {"text": message["content"]} if kind == "completions" else {"message": message}
        return [{"index": 0, "finish_reason": self._finish_reason, **said}]

    def _final_usage(self) -> Mapping[str, Any] | None:
        """Some servers count along: what they said before the answer's end is too low."""
        return self._usage if self._usage_is_final else None

    def _read(self, data: bytes) -> dict[str, Any]:
        try:
            chunk = _decoded(data)
        except (ValueError, RecursionError) as broken:
            found = shorten(self._clear(data.decode("utf-8", "replace")), 80)
            raise bad_response(f"no JSON where an event or a body was due, begins {found!r}") from broken
        if not isinstance(chunk, dict):
            raise bad_response(f"an event holds a {type(chunk).__name__} where an object was due")
        return chunk


def _decoded(data: bytes) -> Any:
    """What msgspec is too strict for, the standard library reads: NaN, and half of a character whose other
    half is in the next event."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(data)


def _choice(chunk: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Choice 0 of a chunk, where it has one."""
    choices = chunk.get("choices")
    for choice in choices if isinstance(choices, list) else ():
        if isinstance(choice, dict) and choice.get("index", 0) in (0, None):
            return choice
    return None
