"""Tokens -> pieces of an answer: text that is certain, and the tokens that begin in it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from evalkit.local.engine.job import Finish, TokenEvent
from evalkit.local.text import TextStream


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of an answer, or all of it.

    Attributes:
        text: what may be shown; stop strings and end tokens are no part of it.
        tokens: the tokens that begin in this text.
        finish: why the answer ends here; None where more will come.
        cached: how many of the prompt's tokens the prefix cache had.
        generated: tokens generated so far, the end token not counted.
    """

    text: str
    tokens: tuple[TokenEvent, ...] = ()
    finish: Finish | None = None
    cached: int = 0
    generated: int = 0


class AnswerReader:
    """Reads an answer token by token.

    Args:
        spell: gives the bytes of a token.
        stops: texts that end the answer.
    """

    def __init__(self, spell: Callable[[int], bytes], stops: tuple[str, ...]):
        self._spell, self._text = spell, TextStream(stops)
        self._held: deque[tuple[int, TokenEvent]] = deque()  # (where it begins, token) not yet in a piece
        self._length = self._generated = 0

    def read(self, event: TokenEvent) -> Piece:
        """Take one token; the piece may be empty, since text is held back while it may still change."""
        text = ""
        if event.finished != "stop":
            data = self._spell(event.id)
            self._held.append((self._length, event))
            self._length += len(data)
            self._generated += 1
            text = self._text.push(data)
        finish: Finish | None = "stop" if self._text.stopped else event.finished
        if finish and not self._text.stopped:
            text += self._text.finish()
        return Piece(text, self._let_go(), finish, event.cached, self._generated)

    def _let_go(self) -> tuple[TokenEvent, ...]:
        out = []
        while self._held and self._held[0][0] < self._text.released:
            out.append(self._held.popleft()[1])
        return tuple(out)


def joined(pieces: Iterable[Piece]) -> Piece:
    """Put the pieces of one whole answer together."""
    parts = list(pieces)
    last = parts[-1]
    tokens = tuple(token for piece in parts for token in piece.tokens)
    return Piece("".join(piece.text for piece in parts), tokens, last.finish, last.cached, last.generated)
