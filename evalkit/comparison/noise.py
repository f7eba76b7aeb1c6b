"""How far one variant differs from itself: what changes by chance alone between two rounds of questions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from evalkit.run.rows import Row
from evalkit.stats import Pairs, Rate


@dataclass(frozen=True, slots=True)
class Noise:
    """One variant's repeat 0 against its repeat 1.

    Attributes:
        pairs: cases that were decided both times; won: passed in repeat 1 alone.
    """

    pairs: Pairs

    @property
    def floor(self) -> Rate:
        """The cases whose outcome changed, of all: a difference below this share may be noise."""
        return Rate(int(self.pairs.won + self.pairs.lost), int(self.pairs.n))


class NoiseTally:
    """The same, counted one record at a time; it keeps a case until both of its repeats came."""

    def __init__(self) -> None:
        self._n = self._won = self._lost = 0
        self._waiting: dict[str, tuple[int, bool | None]] = {}

    def add(self, row: Row) -> None:
        """Count one record of the variant; from the third repeat on there is nothing to do."""
        if row.repeat > 1:
            return
        other = self._waiting.pop(row.case, None)
        if other is None or other[0] == row.repeat:
            self._waiting[row.case] = (row.repeat, row.passed)
            return
        first, second = (other[1], row.passed) if row.repeat else (row.passed, other[1])
        if first is not None and second is not None:
            self._n += 1
            self._won += second and not first
            self._lost += first and not second

    @property
    def noise(self) -> Noise | None:
        """As it stands; None where no case was decided twice."""
        return Noise(Pairs(self._n, self._won, self._lost)) if self._n else None


def noise_floors(rows: Iterable[Row]) -> dict[tuple[str, str], Noise]:
    """By suite and variant, of those that were asked several times."""
    tallies: defaultdict[tuple[str, str], NoiseTally] = defaultdict(NoiseTally)
    for row in rows:
        tallies[row.suite, row.variant].add(row)
    return {key: tally.noise for key, tally in tallies.items() if tally.noise}
