"""A set of hashes that is small in memory."""

from __future__ import annotations

from array import array

_FEWEST = 64


class HashSet:
    """64-bit hashes, each once, in 12 to 24 bytes where a Python set takes about 80.

    What is counted by hashes can be wrong where two are alike: of a million, that happens once in 37 million
    times. Python salts the hashes of text anew in every process, so nobody can bring it about.

    The hashes stand in a table of 2^n places, at most two thirds of them taken: each at the place that its
    last n bits name, or at the next free one. 0 is an empty place; the hash 0 is taken for 1.
    """

    __slots__ = ("_len", "_table")

    def __init__(self) -> None:
        self._table = _empty(_FEWEST)
        self._len = 0

    def __len__(self) -> int:
        return self._len

    def __contains__(self, hashed: int) -> bool:
        return self._table[_place(self._table, hashed or 1)] != 0

    def add(self, hashed: int) -> bool:
        """Put one in; whether it was not in yet."""
        hashed = hashed or 1
        place = _place(self._table, hashed)
        if self._table[place]:
            return False
        self._table[place] = hashed
        self._len += 1
        if 3 * self._len > 2 * len(self._table):
            self._grow()
        return True

    def _grow(self) -> None:
        wider = _empty(2 * len(self._table))
        for hashed in self._table:
            if hashed:
                wider[_place(wider, hashed)] = hashed
        self._table = wider


def _empty(places: int) -> array[int]:
    return array("q", bytes(8 * places))


def _place(table: array[int], hashed: int) -> int:
    """Where it stands, or where it would."""
    last = len(table) - 1
    place = hashed & last
    while table[place] not in (0, hashed):
        place = (place + 1) & last
    return place
