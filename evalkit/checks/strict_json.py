"""JSON as RFC 8259 has it, from a text that may be hostile.

Python's own parser also takes NaN, Infinity and repeated keys, and gives up on deep nesting with a
RecursionError; none of that may pass for JSON or end a run.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, Literal

Fences = Literal["refuse", "allow"]

MAX_CHARS = 1_000_000
MAX_DEPTH = 64  # below the depth at which validating would exhaust Python's stack
MAX_DIGITS = 300  # a longer whole number fits no float, and schemas compare with floats


_FENCE = re.compile(r"```(?:json|JSON)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


class NotJson(ValueError):
    """The text is not one JSON value that can be held; the message says why, and where if that is known."""

    def __init__(self, what: str, line: int | None = None, column: int | None = None):
        self.what, self.line, self.column = what, line, column
        super().__init__(what if line is None else f"{what} at line {line}, column {column}")


def parse(text: str, fences: Fences = "refuse") -> Any:
    """The value of a text that is JSON as a whole, white space around it aside.

    Args:
        text: what a model or a file says.
        fences: `allow` also reads a text that is wholly a Markdown fence (```json ... ```) around the value.

    Raises:
        NotJson: it is not JSON, or is too long, too deep, or holds numbers or characters that cannot be kept.
    """
    if len(text) > MAX_CHARS:
        raise NotJson(f"longer than {MAX_CHARS:,} characters")
    brackets = text.count("[") + text.count("{")  # counting is fast, and few texts have many
    if brackets > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise NotJson(f"nested more than {MAX_DEPTH} levels deep")
    if fences == "allow" and (inner := _FENCE.fullmatch(text.strip())):
        text = inner[1]
    try:
        value = _DECODER.decode(text)
        (json.dumps(value, ensure_ascii=False) if "\\u" in text else text).encode()
    except json.JSONDecodeError as error:
        raise NotJson(error.msg, error.lineno, error.colno) from error
    except UnicodeEncodeError as error:
        raise NotJson("half of a surrogate pair is no character") from error
    return value


def same(wanted: Any, got: Any) -> bool:
    """JSON equality: 1 is 1.0, but true is not 1."""
    if isinstance(wanted, bool) or isinstance(got, bool):
        return wanted is got
    if isinstance(wanted, list) and isinstance(got, list):
        return len(wanted) == len(got) and all(map(same, wanted, got))
    if isinstance(wanted, dict) and isinstance(got, dict):
        return wanted.keys() == got.keys() and all(same(wanted[key], got[key]) for key in wanted)
    return bool(wanted == got)


def _depth(text: str) -> int:
    """How deep brackets nest outside strings; an upper bound where the text is not JSON."""
    depth = deepest = 0
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise NotJson(f"the key {json.dumps(twice, ensure_ascii=False)} stands twice in one object")
    return value


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise NotJson(f"a number of {len(digits)} digits")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson(f"the number {digits[:20]} is too large")
    return number


def _no_constant(word: str) -> Any:
    raise NotJson(f"{word} is no JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_unique, parse_int=_whole, parse_float=_fraction, parse_constant=_no_constant
)
