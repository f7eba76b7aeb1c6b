"""Reading what a model wrote where it may call tools: text, then calls (see `chat_template.call_line`)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.local.chat_template import CALL, CALL_END, ToolCall

_NAME = re.compile(r'\s*\{"name": "([^"\\]*)", "arguments": ')
_CLOSED = f"}}{CALL_END}"
_PARTED = f"\n{CALL}"  # the line end before a call is no part of the text


@dataclass(frozen=True, slots=True)
class CallPart:
    """A stretch of a call: its name when it begins, then its arguments piece by piece.

    Attributes:
        index: which call of the answer, counted from 0.
        name: None but in a call's first part.
        arguments: JSON text.
    """

    index: int
    name: str | None
    arguments: str


class CallReader:
    """Text that grows, parted into what is said and what is called.

    Attributes:
        said: how many characters are certain to be text.
    """

    def __init__(self) -> None:
        self.said = 0
        self._held, self._calls = "", 0
        self._arguments: _Arguments | None = None
        self._inside = False

    def push(self, text: str) -> tuple[str, list[CallPart]]:
        """Add text; give what is certain now of text and calls."""
        self._held += text
        out, parts = "", []
        while (found := self._step()) is not None:
            said, part = found
            out += said
            if part:
                parts.append(part)
        self.said += len(out)
        return out, parts

    def finish(self) -> str:
        """Give the text that was held back; a call that never got its name is dropped."""
        out = "" if self._inside else self._held
        self._held = ""
        self.said += len(out)
        return out

    def _step(self) -> tuple[str, CallPart | None] | None:
        """Go one stretch further; None where more text is needed to go on."""
        if self._arguments:
            return self._step_in_arguments(self._arguments)
        return self._step_to_arguments() if self._inside else self._step_in_text()

    def _step_in_text(self) -> tuple[str, None] | None:
        before, marker, after = self._held.partition(CALL)
        if marker:
            self._held, self._inside = after, True
            return before.removesuffix("\n"), None
        kept = _undecided(self._held)
        out, self._held = self._held[: len(self._held) - kept], self._held[len(self._held) - kept :]
        return (out, None) if out else None

    def _step_to_arguments(self) -> tuple[str, CallPart] | None:
        found = _NAME.match(self._held)
        if not found:
            return None
        self._held, self._arguments = self._held[found.end() :], _Arguments()
        self._calls += 1
        return "", CallPart(self._calls - 1, found[1], "")

    def _step_in_arguments(self, arguments: _Arguments) -> tuple[str, CallPart | None] | None:
        if not arguments.whole:
            length = arguments.read(self._held)
            out, self._held = self._held[:length], self._held[length:]
            return ("", CallPart(self._calls - 1, None, out)) if out else None
        if len(self._held) < len(_CLOSED):
            return None
        self._held = self._held.removeprefix(_CLOSED)
        self._arguments, self._inside = None, False
        return "", None


class _Arguments:
    """Finds where a JSON object ends. `whole`: whether it has."""

    def __init__(self) -> None:
        self.whole = False
        self._depth, self._quoted, self._escaped = 0, False, False

    def read(self, text: str) -> int:
        """Read on; give how many characters belong to the object."""
        for at, character in enumerate(text):
            self._read(character)
            if self._depth == 0 and not self._quoted:
                self.whole = True
                return at + 1
        return len(text)

    def _read(self, character: str) -> None:
        if self._escaped:
            self._escaped = False
        elif self._quoted:
            self._escaped, self._quoted = character == "\\", character != '"'
        elif character == '"':
            self._quoted = True
        elif character in "{[":
            self._depth += 1
        elif character in "}]":
            self._depth -= 1


def parsed(text: str) -> tuple[str, tuple[ToolCall, ...]]:
    """Read a whole answer.

    Returns:
        What is said, and what is called. Arguments are cut off where the answer is.
    """
    reader = CallReader()
    said, parts = reader.push(text)
    return said + reader.finish(), calls_of(parts)


def calls_of(parts: Iterable[CallPart]) -> tuple[ToolCall, ...]:
    """Put the parts of calls together."""
    calls: list[ToolCall] = []
    for part in parts:
        if part.name is not None:
            calls.append(ToolCall(part.name, part.arguments))
        else:
            calls[-1] = ToolCall(calls[-1].name, calls[-1].arguments + part.arguments)
    return tuple(calls)


def _undecided(text: str) -> int:
    """How many of the last characters may be the beginning of a call."""
    for length in range(min(len(_PARTED) - 1, len(text)), 0, -1):
        tail = text[-length:]
        if _PARTED.startswith(tail) or CALL.startswith(tail):
            return length
    return 0
