"""Expressions of names with `and`, `or`, `not` and parentheses, as pytest's -k and -m have them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from evalkit.errors import UsageError

Holds = Callable[[str], bool]
"""Whether a name holds of a case."""

Expression = Callable[[Holds], bool]

MAX_CHARS = 2_000
MAX_DEPTH = 50


def parse(text: str, flag: str) -> Expression:
    """Read an expression. `not` binds closest, then `and`, then `or`; any other word is a name.

    Args:
        text: the expression.
        flag: the flag that it was given with, for messages.

    Raises:
        UsageError: it cannot be read, and where.
    """
    if len(text) > MAX_CHARS:
        raise UsageError(f"{flag}: an expression of more than {MAX_CHARS:,} characters")
    parser = _Parser(text, flag)
    expression = parser.either()
    if parser.word is not None:
        raise parser.fault("and, or, or the end")
    return expression


class _Parser:
    """Recursive descent: either -> both -> single."""

    def __init__(self, text: str, flag: str):
        self.text, self.flag, self.depth = text, flag, 0
        self._words: Iterator[re.Match[str]] = re.finditer(r"[()]|[^\s()]+", text)
        self.at = 0
        self.word: str | None = None
        self._advance()

    def either(self) -> Expression:
        parts = [self._both()]
        while self._taken("or"):
            parts.append(self._both())
        return lambda holds: any(part(holds) for part in parts)

    def _both(self) -> Expression:
        parts = [self._single()]
        while self._taken("and"):
            parts.append(self._single())
        return lambda holds: all(part(holds) for part in parts)

    def _single(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise UsageError(f"{self.flag} {self.text[:80]}: nested too deep")
        expression = self._unit()
        self.depth -= 1
        return expression

    def _unit(self) -> Expression:
        if self._taken("not"):
            negated = self._single()
            return lambda holds: not negated(holds)
        if self._taken("("):
            inside = self.either()
            if not self._taken(")"):
                raise self.fault("a closing parenthesis")
            return inside
        name = self.word
        if name is None or name in ("and", "or", ")"):
            raise self.fault("a name, not, or an opening parenthesis")
        self._advance()
        return lambda holds: holds(name)

    def fault(self, wanted: str) -> UsageError:
        found = "the end" if self.word is None else self.word
        return UsageError(f"{self.flag} {self.text!r}: found {found} at column {self.at + 1}; write {wanted}")

    def _taken(self, word: str) -> bool:
        if self.word != word:
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        match = next(self._words, None)
        self.word = match.group() if match else None
        self.at = match.start() if match else len(self.text)
