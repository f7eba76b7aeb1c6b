"""Automata over bytes: may an answer begin like this, and may it end here?

A `Grammar` is a sequence of places, each with one or more alternative parts. A part reads bytes one at a time
and keeps its own small state; the state of the whole is the set of (place, alternative, state) that the bytes
read so far allow.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import regex

State = frozenset[tuple[int, int, Any]]
REMEMBERED = 20_000  # beginnings of one answer whose state is kept

_CHARACTER = (
    regex.compile(  # of a JSON text, as json.dumps(..., ensure_ascii=False) writes it, in valid UTF-8
        rb'[\x20\x21\x23-\x5b\x5d-\x7f]|\\["\\bfnrt]|\\u00[01][0-9a-f]'
        rb"|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]|[\xe1-\xec\xee\xef][\x80-\xbf]{2}"
        rb"|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}|[\xf1-\xf3][\x80-\xbf]{3}"
        rb"|\xf4[\x80-\x8f][\x80-\xbf]{2}"
    )
)


class Part(Protocol):
    """Something that a stretch of the answer may be."""

    @property
    def start(self) -> Any:
        """The state before the first byte."""
        ...

    def step(self, state: Any, byte: bytes) -> Any:
        """Give the state after one more byte, or None where that byte may not come."""
        ...

    def may_end(self, state: Any) -> bool:
        """Whether the part is complete."""
        ...


class OneOf:
    """One of a few fixed spellings; the state is what has been read of it."""

    start = b""

    def __init__(self, options: Iterable[bytes]):
        self._options = frozenset(options)
        self._beginnings = {option[:end] for option in self._options for end in range(len(option) + 1)}

    def step(self, state: bytes, byte: bytes) -> bytes | None:
        """Read one byte."""
        longer = state + byte
        return longer if longer in self._beginnings else None

    def may_end(self, state: bytes) -> bool:
        """Whether an option has been read whole."""
        return state in self._options


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number of at most 15 digits before the point and, if not `whole`, 6 after it."""

    whole: bool
    start = b""

    def step(self, state: bytes, byte: bytes) -> bytes | None:
        """Read one byte; the state is what has been read."""
        return state + byte if self._spelling().fullmatch(state + byte, partial=True) else None

    def may_end(self, state: bytes) -> bool:
        """Whether what was read is a number."""
        return self._spelling().fullmatch(state) is not None

    def _spelling(self) -> regex.Pattern[bytes]:
        return _WHOLE if self.whole else _DECIMAL


_WHOLE = regex.compile(rb"0|-?[1-9][0-9]{0,14}")
_DECIMAL = regex.compile(rb"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class Text:
    """A JSON text of `low` to `high` characters, with its quotes.

    The state is (whole characters read, bytes of the next one): -1 characters before the opening quote;
    the closing quote is a next one.
    """

    low: int
    high: int
    start = (-1, b"")

    def step(self, state: tuple[int, bytes], byte: bytes) -> tuple[int, bytes] | None:
        """Read one byte."""
        count, begun = state
        if count < 0:
            return (0, b"") if byte == b'"' else None
        if begun == b'"':
            return None
        if byte == b'"' and not begun:
            return (count, byte) if count >= self.low else None
        if count == self.high:
            return None
        whole = _character(begun + byte)
        if whole is None:
            return None
        return (count + 1, b"") if whole else (count, begun + byte)

    def may_end(self, state: tuple[int, bytes]) -> bool:
        """Whether the closing quote has come."""
        return state[1] == b'"'


@lru_cache(maxsize=4096)
def _character(data: bytes) -> bool | None:
    """Whether these bytes are a whole character (True), the beginning of one (False), or neither (None)."""
    match = _CHARACTER.fullmatch(data, partial=True)
    return None if match is None else not match.partial


class Grammar:
    """All permitted answers.

    Args:
        places: what follows what; each place has its alternatives.
    """

    def __init__(self, places: Sequence[Sequence[Part]]):
        self._places = places
        self.start = self._closed({(0, which, part.start) for which, part in enumerate(places[0])})

    def step(self, state: State, byte: bytes) -> State:
        """Give the state after one more byte; empty where no permitted answer goes on like this."""
        after = set()
        for place, which, inner in state:
            if place < len(self._places):
                stepped = self._places[place][which].step(inner, byte)
                if stepped is not None:
                    after.add((place, which, stepped))
        return self._closed(after)

    def may_end(self, state: State) -> bool:
        """Whether a whole answer has been read."""
        return any(place == len(self._places) for place, _, _ in state)

    def _closed(self, states: set[tuple[int, int, Any]]) -> State:
        """Add the beginnings of places that come next, where a part may end."""
        open_ = list(states)
        while open_:
            place, which, inner = open_.pop()
            if place == len(self._places) or not self._places[place][which].may_end(inner):
                continue
            for following in self._starts(place + 1):
                if following not in states:
                    states.add(following)
                    open_.append(following)
        return frozenset(states)

    def _starts(self, place: int) -> Iterable[tuple[int, int, Any]]:
        if place == len(self._places):
            return [(place, 0, None)]
        return [(place, which, part.start) for which, part in enumerate(self._places[place])]


class Constrained:
    """One answer being written under a grammar (see `evalkit.local.engine.job.Constraint`).

    The engine asks about many continuations of the same beginning, so states of beginnings are remembered.
    """

    def __init__(self, grammar: Grammar):
        self._grammar = grammar
        self._states: dict[bytes, State] = {b"": grammar.start}

    def __call__(self, answer: bytes, /) -> bool:
        """Whether a permitted answer may begin with these bytes."""
        return bool(self._state(answer))

    def may_end(self, answer: bytes, /) -> bool:
        """Whether these bytes are a whole permitted answer."""
        return self._grammar.may_end(self._state(answer))

    def _state(self, answer: bytes) -> State:
        known = len(answer)
        while answer[:known] not in self._states:
            known -= 1
        state = self._states[answer[:known]]
        if len(self._states) > REMEMBERED:
            self._states = {b"": self._grammar.start}
        for end in range(known + 1, len(answer) + 1):
            if not state:
                break
            state = self._grammar.step(state, answer[end - 1 : end])
            self._states[answer[:end]] = state
        return state


def spelled(value: object) -> bytes:
    """Write a JSON value in the one spelling that is permitted."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
