"""From the bytes of a line to the JSON value that they spell, with all that is wrong with the spelling."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from evalkit.dataset.finding import Fault
from evalkit.dataset.lines import MAX_LINE_BYTES

BOM = b"\xef\xbb\xbf"
TOO_DEEP = Fault("nested_too_deeply", "the JSON is nested too deeply to be read", "write a flatter object")
_BOM_FAULT = Fault(
    "byte_order_mark", "the file begins with a byte order mark", "save it as UTF-8 without BOM", 1
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a line holds.

    Attributes:
        value: the JSON value; None where `readable` is false.
        readable: whether there is a value.
        faults: what is wrong with the line as text or as JSON, be it readable or not.
    """

    value: Any
    readable: bool
    faults: tuple[Fault, ...] = ()


def read(raw: bytes) -> Reading:
    """Read one line that is not blank; never raises."""
    if len(raw) > MAX_LINE_BYTES:
        what = f"the line has more than {MAX_LINE_BYTES >> 20} MiB"
        return _unreadable(Fault("line_too_long", what, "write one example on each line"))
    if raw.startswith(BOM):
        rest = read(raw[len(BOM) :])
        return Reading(rest.value, rest.readable, (_BOM_FAULT, *rest.faults))
    try:
        return _parsed(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        return _unreadable(_not_utf8(raw, error))
    except RecursionError:
        return _unreadable(TOO_DEEP)


def _parsed(text: str) -> Reading:
    try:
        return _value(text)
    except json.JSONDecodeError as error:
        return _unreadable(_not_json(text, error))
    except ValueError:  # Python refuses to convert whole numbers of more than 4,300 digits
        return _unreadable(_long_number(text))


def _value(text: str) -> Reading:
    try:
        return Reading(_STRICT.decode(text), True)
    except _Loose as loose:
        return Reading(json.loads(text), True, (loose.fault(text),))


def _unreadable(fault: Fault) -> Reading:
    return Reading(None, False, (fault,))


class _Loose(Exception):
    """The line is no JSON by the letter, but Python's own parser makes a value of it.

    Args:
        word: the constant or the key that is to blame.
    """

    def __init__(self, word: str):
        super().__init__(word)
        self.word = word

    def fault(self, text: str) -> Fault:
        """What to say of it; `text` is the whole line."""
        raise NotImplementedError


class _Constant(_Loose):
    """NaN, Infinity or -Infinity."""

    def fault(self, text: str) -> Fault:
        tokens = re.finditer(rf'"(?:[^"\\]|\\.)*"|{self.word}', text)
        column = 1 + next(token.start() for token in tokens if token[0] == self.word)
        return Fault("invalid_json", f"{self.word} is no JSON value", "write a number or null", column)


class _Twice(_Loose):
    """A key that an object has twice."""

    def fault(self, text: str) -> Fault:  # noqa: ARG002  where it stands, Python's parser does not tell
        key = json.dumps(self.word, ensure_ascii=False)
        return Fault("duplicate_key", f"the key {key} stands twice in one object", "remove one of them")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return value


def _no_constant(word: str) -> Any:
    raise _Constant(word)


_STRICT = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _not_utf8(raw: bytes, error: UnicodeDecodeError) -> Fault:
    column = len(raw[: error.start].decode("utf-8")) + 1
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Fault("invalid_utf8", "the file seems to be encoded in UTF-16", "save it as UTF-8", column)
    return Fault(
        "invalid_utf8", f"the byte 0x{raw[error.start]:02x} is not UTF-8", "save the file as UTF-8", column
    )


def _not_json(text: str, error: json.JSONDecodeError) -> Fault:
    found = text[error.pos : error.pos + 20] or "the end of the line"
    what = f"{error.msg[0].lower()}{error.msg[1:]}, found: {found}"
    return Fault("invalid_json", what, _remedy(text, error), error.pos + 1)


def _remedy(text: str, error: json.JSONDecodeError) -> str:
    before, here = text[: error.pos].rstrip(), text[error.pos : error.pos + 1]
    if "\x00" in text[: error.pos + 2]:
        return "save the file as UTF-8 without NUL bytes"
    if (here in ("]", "}") and before.endswith(",")) or before.endswith((",]", ",}")):
        return "remove the comma before the closing bracket"
    if error.msg.startswith("Expecting ',' delimiter") and before.endswith('"'):
        return 'write a quotation mark inside a text as \\"'
    if error.msg.startswith("Extra data"):
        return "write one example on each line"
    if not here:
        return "write the whole example on one line"
    return 'write one JSON object on each line, such as {"messages": [...]}'


def _long_number(text: str) -> Fault:
    digits = max(re.findall(r"\d+", text), key=len)
    column = text.index(digits) + 1
    return Fault(
        "number_too_long", f"a number has {len(digits):,} digits", "write a shorter one, or a text", column
    )
