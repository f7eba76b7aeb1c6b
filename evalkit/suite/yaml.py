"""YAML 1.2, core schema, from a file that may be hostile, with the line of every value.

`ruamel.yaml` parses to events; what they mean is decided here, by the core schema's own table (YAML 1.2.2,
section 10.3): so `no` and `Yes` are text, and there are no dates. Refused: tags, repeated keys, keys that are
no text, several documents, aliases that grow (a "YAML bomb"), and files beyond MAX_BYTES.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from evalkit.checks.fields import FieldPath, WrittenFloat, WrittenInt, shown
from evalkit.errors import InputError
from evalkit.suite.document import Document
from evalkit.suite.files import decoded

MAX_BYTES = 256 * 1024
MAX_VALUES = 50_000  # with every alias written out
MAX_DEPTH = 50
MAX_DIGITS = 300
MAX_MESSAGE_CHARS = 300  # a tag or an anchor may be as long as the file


def read(file: Path, data: bytes) -> Document:
    """Read a file's bytes as one YAML document.

    Raises:
        InputError: it is not UTF-8, not YAML, or holds something that is refused; with the line.
    """
    if len(data) > MAX_BYTES:
        raise InputError(f"is larger than {MAX_BYTES:,} bytes; put the cases into cases.jsonl", file=file)
    events = _Events(file, decoded(file, data))
    document = events.next()
    if not isinstance(document, DocumentStartEvent):
        raise InputError("is empty; write at least prompt, cases and checks", file=file)
    reader = _Reader(events)
    value = reader.value(events.next(), ())
    events.next()  # the document's end
    if isinstance(events.next(), DocumentStartEvent):
        raise events.fault("a second document begins here (---); write one document")
    return Document(file, value, reader.lines)


class _Events:
    """The parser's events one by one; its errors become InputErrors, and the last event's line is known."""

    def __init__(self, file: Path, text: str):
        self.file = file
        self.line = 1
        self._events: Iterator[Any] = YAML(typ="safe", pure=True).parse(text)
        self.next()  # the stream's start

    def next(self) -> Any:
        try:
            event = next(self._events)
        except MarkedYAMLError as error:
            raise self._no_yaml(error) from error
        except (YAMLError, ValueError, IndexError) as error:
            raise self.fault(f"no YAML: {str(error).splitlines()[0]}") from error
        self.line = event.start_mark.line + 1 if event.start_mark else self.line
        return event

    def fault(self, what: str) -> InputError:
        return InputError(what[:MAX_MESSAGE_CHARS], file=self.file, line=self.line)

    def _no_yaml(self, error: MarkedYAMLError) -> InputError:
        if error.problem_mark:
            self.line = error.problem_mark.line + 1
        since = f" begun on line {error.context_mark.line + 1}," if error.context_mark else ""
        return self.fault(f"no YAML: {error.context or ''}{since} {error.problem or ''}")


@dataclass(slots=True)
class _Reader:
    """Events to plain data; counts what the data would be with all aliases written out."""

    events: _Events
    lines: dict[FieldPath, int] = field(default_factory=dict)
    anchors: dict[str, tuple[Any, int]] = field(default_factory=dict)
    count: int = 0

    def value(self, event: Any, path: FieldPath) -> Any:
        """The value that begins with the event; all its events are taken."""
        self.lines[path] = self.events.line
        if len(path) > MAX_DEPTH:
            raise self.events.fault(f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, AliasEvent):
            return self._alias(event)
        if event.tag is not None:
            raise self.events.fault(f"found the tag {event.tag}; write the plain value")
        before = self.count
        self._grow(1)
        value = self._fresh(event, path)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, self.count - before)
        return value

    def _fresh(self, event: Any, path: FieldPath) -> Any:
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(path)
        return self._scalar(event)

    def _alias(self, event: AliasEvent) -> Any:
        if event.anchor not in self.anchors:
            raise self.events.fault(f"found *{event.anchor}, but &{event.anchor} is not complete before it")
        value, size = self.anchors[event.anchor]
        self._grow(size)
        return value

    def _grow(self, size: int) -> None:
        self.count += size
        if self.count > MAX_VALUES:
            raise self.events.fault(
                f"holds more than {MAX_VALUES:,} values, aliases written out; put cases into cases.jsonl"
            )

    def _mapping(self, path: FieldPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := self.events.next(), MappingEndEvent):
            key = self._key(event)
            if key in values:
                raise self.events.fault(
                    f"the key {shown(key)} stands twice; the first is on line {self.lines[(*path, key)]}"
                )
            line = self.events.line
            values[key] = self.value(self.events.next(), (*path, key))
            self.lines[(*path, key)] = line
        return values

    def _key(self, event: Any) -> str:
        if not isinstance(event, ScalarEvent):
            raise self.events.fault("found a key that is no text; write a word")
        if event.tag is not None:
            raise self.events.fault(f"found the tag {event.tag}; write the plain key")
        self._grow(1)
        return str(event.value)

    def _sequence(self, path: FieldPath) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := self.events.next(), SequenceEndEvent):
            values.append(self.value(event, (*path, len(values))))
        return values

    def _scalar(self, event: ScalarEvent) -> Any:
        if event.style:  # quoted, or a block of text
            return str(event.value)
        value = plain(str(event.value))
        if isinstance(value, float) and not math.isfinite(value):
            raise self.events.fault(f"found {event.value}; write a finite number, or text in quotes")
        return value


def plain(text: str) -> Any:
    """What an unquoted scalar means in the core schema; numbers remember how they were written."""
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= MAX_DIGITS and (match := _INTEGER.fullmatch(text)):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return _written(WrittenInt(int(match[0], base)), text)
    if _FLOAT.fullmatch(text):
        return _written(WrittenFloat(float(text)), text)
    if _SPECIAL.fullmatch(text):
        return float(text.replace(".", ""))
    return text


def _written(number: Any, text: str) -> Any:
    number.written = text
    return number


_WORDS = {
    **dict.fromkeys(["", "~", "null", "Null", "NULL"], None),
    **dict.fromkeys(["true", "True", "TRUE"], True),
    **dict.fromkeys(["false", "False", "FALSE"], False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", re.ASCII)
