"""Bytes of tokens -> text that may be shown, with stop strings found on the way."""

from __future__ import annotations

import codecs
from collections.abc import Sequence


class TextStream:
    """Text that grows token by token.

    A token may hold half a character, and a stop string may lie across tokens: what could still become
    either is held back until it is decided.

    Args:
        stops: texts that end the answer; the answer does not contain them.

    Attributes:
        stopped: whether a stop string has come; nothing is added after it.
    """

    def __init__(self, stops: Sequence[str] = ()):
        self._stops = [stop.encode("utf-8", "replace") for stop in stops]
        self._longest = max(map(len, self._stops), default=0)
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._held = b""
        self._released = 0
        self.stopped = False

    @property
    def released(self) -> int:
        """How many bytes have been let go as text, or begin a character that has."""
        return self._released

    def push(self, data: bytes) -> str:
        """Add one token's bytes; give the text that is certain now (often "")."""
        self._held += data
        cut = min((at for stop in self._stops if (at := self._held.find(stop)) >= 0), default=None)
        if cut is not None:
            self.stopped = True
            self._held = self._held[:cut]
            return self.finish()
        return self._release(len(self._held) - self._undecided())

    def finish(self) -> str:
        """Give what was held back; a character that never was completed becomes U+FFFD."""
        return self._release(len(self._held)) + self._decode(b"", True)

    def _undecided(self) -> int:
        """How many of the last bytes may be the beginning of a stop string."""
        for length in range(min(self._longest - 1, len(self._held)), 0, -1):
            tail = self._held[-length:]
            if any(stop.startswith(tail) for stop in self._stops):
                return length
        return 0

    def _release(self, length: int) -> str:
        out, self._held = self._held[:length], self._held[length:]
        self._released += length
        return self._decode(out)
