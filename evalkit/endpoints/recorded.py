"""Answers that were made elsewhere: the lines of a JSONL file, read strictly, and found again by position.

A line says which case it answers, by `case` or by the exact `prompt` (or `messages`), and what was answered:

    {"case": "norway", "text": "Oslo"}
    {"prompt": "What is the capital of Norway?", "response": "Oslo", "variant": "old", "latency_ms": 420}
    {"case": "weather", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": "{}"}}]}
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from evalkit.endpoints.base import INSTRUCTS, RECORDED, Message, Response, Usage
from evalkit.errors import InputError

MAX_LINE_BYTES = 64 * 1024 * 1024

Count = Annotated[int, msgspec.Meta(ge=0)]
Name = Annotated[str, msgspec.Meta(min_length=1)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0)]

_EXAMPLE = '{"case": "ID", "text": "..."} or {"prompt": "...", "response": "..."}'

NO_LINES = f"holds no answer; write lines such as {_EXAMPLE}"


class _CachedTokens(msgspec.Struct, frozen=True):
    cached_tokens: Count | None = None


class _UsageKeys(msgspec.Struct, frozen=True):
    """OpenAI's `usage`, or the flat one of evalkit's records; what else servers add is left alone."""

    prompt_tokens: Count | None = None
    cached_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    prompt_tokens_details: _CachedTokens | None = None


class RecordedLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer. `messages` or `prompt`: as they were sent. `metadata` is the user's own, and not looked at.

    `model`: as it was asked, which decides the price. `at`: UTC, ISO 8601. `repeat` orders several answers of
    one case; without it they come as they stand in the file.
    """

    suite: str | None = None
    case: Name | None = None
    variant: Name = RECORDED
    repeat: Count | None = None
    messages: tuple[dict[str, Any], ...] | None = None
    prompt: str | None = None
    text: str | msgspec.UnsetType | None = msgspec.UNSET
    response: str | msgspec.UnsetType | None = msgspec.UNSET
    tool_calls: tuple[dict[str, Any], ...] | None = None
    reasoning: str | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    usage: _UsageKeys | None = None
    latency_ms: Milliseconds | None = None
    ttft_ms: Milliseconds | None = None
    model: str | None = None
    at: str | None = None
    metadata: Any = None

    @property
    def question(self) -> bytes | None:
        """What was asked, as `question` names it; None where the line does not say."""
        if self.messages is not None:
            return question(self.messages)
        return None if self.prompt is None else question_of(self.prompt)

    def answer(self) -> Response:
        """The answer; what the line does not say is None."""
        usage = self.usage or _UsageKeys()
        details = usage.prompt_tokens_details or usage
        said = self.response if self.text is msgspec.UNSET else self.text
        return Response(
            model=self.model,
            text=None if said is msgspec.UNSET else said,
            tool_calls=self.tool_calls or (),
            reasoning=self.reasoning,
            finish_reason=self.finish_reason,
            refusal=self.refusal,
            usage=Usage(
                usage.prompt_tokens, details.cached_tokens, usage.completion_tokens, usage.total_tokens
            ),
            latency_ms=self.latency_ms,
            ttft_ms=self.ttft_ms,
        )


class Placed(msgspec.Struct, frozen=True):
    """A line with its number, from 1, and the byte at which it begins."""

    line: RecordedLine
    number: int
    start: int


def question(messages: Iterable[Message]) -> bytes:
    """A short name of a conversation: 16 bytes. System messages at its beginning do not count, for the same
    question may have been asked with and without a prompt; nor does what only training reads."""
    asked = [_said(message) for message in messages]
    while asked and asked[0].get("role") in INSTRUCTS:
        del asked[0]
    return hashlib.blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).digest()


def _said(message: Message) -> dict[str, Any]:
    """What a message says; text in parts is one text."""
    said = {key: value for key, value in message.items() if value is not None and key != "weight"}
    parts = said.get("content")
    if isinstance(parts, list | tuple) and all(part.get("type") == "text" for part in parts):
        said["content"] = "".join(str(part.get("text", "")) for part in parts)
    return said


def question_of(prompt: str) -> bytes:
    """The same of a bare text: a conversation of one user message."""
    return question([{"role": "user", "content": prompt}])


def read_recorded(path: Path, until: int | None = None) -> Iterator[Placed]:
    """The answers of a file, one at a time; blank lines are left out.

    Args:
        path: the file.
        until: the byte at which reading ends; None is the file's end.

    Raises:
        InputError: the file cannot be read, or a line is no such answer; with the line and the field.
    """
    start = 0
    for number, line in enumerate(_lines(path), start=1):
        if until is not None and start >= until:
            return
        text = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
        if text.strip():
            yield Placed(parse_line(path, number, text), number, start + len(line) - len(text))
        start += len(line)


def parse_line(path: Path, number: int, text: bytes) -> RecordedLine:
    """One line of such a file.

    Raises:
        InputError: it is no answer, or does not say to what.
    """
    try:
        line = _decoded(text)
    except (ValueError, RecursionError) as fault:
        what, _, place = str(fault).partition(" - at `$")
        remedy = _remedy(what)
        raise InputError(
            f"{what}; {remedy}", file=path, line=number, field=place.strip("`.") or None
        ) from fault
    if found := _fault(line):
        field, what = found
        raise InputError(what, file=path, line=number, field=field)
    return line


def _decoded(text: bytes) -> RecordedLine:
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        if b"\\ud" not in text.lower():
            raise
        return msgspec.convert(json.loads(text), RecordedLine)  # half of a surrogate pair: a model may say it


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(MAX_LINE_BYTES + 1):
                if len(line) > MAX_LINE_BYTES:
                    raise InputError(f"holds a line of more than {MAX_LINE_BYTES:,} bytes", file=path)
                yield line
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror}", file=path) from fault


def _remedy(what: str) -> str:
    if "unknown field" in what:
        known = ", ".join(RecordedLine.__struct_fields__)
        return f"known: {known}; put what is your own under metadata"
    return f"write one JSON object on each line, such as {_EXAMPLE}"


Fault = tuple[str, str]
"""A field, and what is wrong with it."""


def _fault(line: RecordedLine) -> Fault | None:
    """What the types do not tell: to what a line is an answer, and that it is one."""
    if line.case is None and line.question is None:
        return "case", f"nothing says which case this answers; write {_EXAMPLE}"
    for name in ("suite", "case", "variant"):
        if not (getattr(line, name) or "").isprintable():
            return name, "holds a character that no name has; write printable ones"
    given = [name for name in ("text", "response") if getattr(line, name) is not msgspec.UNSET]
    if len(given) == 2:
        return "text", "stands beside response; write one of them"
    if not given and not line.tool_calls and line.refusal is None:
        return "text", "is missing; write what was answered: text, response or tool_calls"
    if any(_bare(call) for call in line.tool_calls or ()):
        shape = '{"type": "function", "function": {"name": "...", "arguments": "{...}"}}'
        return "tool_calls", f"found a call without `function`; write {shape}"
    return None


def _bare(call: Mapping[str, Any]) -> bool:
    """A call of another shape than OpenAI's would be checked as if the model had called nothing right."""
    return "name" in call and "function" not in call


_DECODER = msgspec.json.Decoder(RecordedLine)
