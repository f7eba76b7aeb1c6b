"""Tokens -> pieces of an answer: text and calls that are certain, and the tokens that begin in the text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evalkit.local.chat_template import ToolCall
from evalkit.local.engine.job import Finish, TokenEvent
from evalkit.local.hermes import CallPart, CallReader, calls_of
from evalkit.local.text import TextStream


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer, or all of it.

    Attributes:
        text: what may be shown; stop strings, end tokens and calls are no part of it.
        tokens: the tokens that begin in this text.
        finish: why the answer ends here; None where more will come.
        cached: how many of the prompt's tokens the prefix cache had.
        generated: tokens generated so far, the end token not counted.
        parts: what is called.
        given: the prompt's tokens that were scored (`Job.given`).
    """

    text: str
    tokens: tuple[TokenEvent, ...] = ()
    finish: Finish | None = None
    cached: int = 0
    generated: int = 0
    parts: tuple[CallPart, ...] = ()
    given: tuple[TokenEvent, ...] = ()

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The calls of a whole answer."""
        return calls_of(self.parts)


class AnswerReader:
    """Reads an answer token by token.

    Args:
        spell: gives the bytes of a token.
        stops: texts that end the answer.
        calls: whether tools may be called: what looks like a call is one.
        given: how many of the first tokens belong to the prompt.

    Attributes:
        finished: whether the last piece has been read.
    """

    def __init__(
        self, spell: Callable[[int], bytes], stops: tuple[str, ...], *, calls: bool = False, given: int = 0
    ):
        self._spell, self._text = spell, TextStream(stops)
        self._calls, self._given = CallReader() if calls else None, given
        self._held: deque[tuple[int, TokenEvent]] = deque()  # (where it begins, token) not yet in a piece
        self._length = self._generated = self._said = 0
        self.finished = False

    def read(self, event: TokenEvent) -> Piece:
        """Take one token; the piece may be empty, since text is held back while it may still change."""
        if self._given:
            self._given, self.finished = self._given - 1, event.finished is not None
            return Piece("", finish=event.finished, cached=event.cached, given=(event,))
        text = "" if event.finished == "stop" else self._text.push(self._taken(event))
        finish: Finish | None = "stop" if self._text.stopped else event.finished
        if finish and not self._text.stopped:
            text += self._text.finish()
        self.finished = finish is not None
        text, parts = self._parted(text)
        return Piece(text, self._let_go(), finish, event.cached, self._generated, parts)

    def _taken(self, event: TokenEvent) -> bytes:
        data = self._spell(event.id)
        self._held.append((self._length, event))
        self._length += len(data)
        self._generated += 1
        return data

    def _parted(self, text: str) -> tuple[str, tuple[CallPart, ...]]:
        """Take the calls out."""
        if self._calls is None:
            self._said = self._text.released
            return text, ()
        said, parts = self._calls.push(text)
        said += self._calls.finish() if self.finished else ""
        self._said += len(said.encode("utf-8", "replace"))
        return said, tuple(parts)

    def _let_go(self) -> tuple[TokenEvent, ...]:
        out = []
        while self._held and self._held[0][0] < self._said:
            out.append(self._held.popleft()[1])
        return tuple(out)


def joined(pieces: Iterable[Piece]) -> Piece:
    """Put the pieces of one whole answer together."""
    parts = list(pieces)
    last = parts[-1]
    return Piece(
        text="".join(piece.text for piece in parts),
        tokens=tuple(token for piece in parts for token in piece.tokens),
        finish=last.finish,
        cached=last.cached,
        generated=last.generated,
        parts=tuple(part for piece in parts for part in piece.parts),
        given=tuple(token for piece in parts for token in piece.given),
    )
