"""Which texts are near-duplicates: a search that is exact, and MinHash where there is much to search.

The exact one counts what a text shares with each of some held-out texts, by an inverted index. MinHash cuts
signatures into bands, and compares texts that agree in a whole band (Leskovec, Rajaraman & Ullman, Mining of
Massive Datasets, chapter 3). In both, a pair that is told has been compared in full: it is never below the
threshold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from evalkit.dataset.shingles import Shingles, similarity

if TYPE_CHECKING:
    from datasketch import MinHash  # type: ignore[import-untyped]

THRESHOLD = 0.7
"""Jaccard's index from which on two texts count as near-duplicates."""

PERMUTATIONS = 128
RECALL = 0.99
"""The least share of pairs at the threshold itself that agree in a band; more alike ones are missed less."""

MANY_SHINGLES = 1_000_000
"""From here on MinHash is faster than the exact search: about a thousand held-out texts of a page each."""

WINDOW = 32
"""A text is compared with so many before it in its bucket; a chain holds larger buckets together."""

_SLACK = 0.15
"""Four standard deviations of a similarity that is estimated from a signature: below it none is compared."""

_EMPTY = np.uint32(0xFFFFFFFF)  # the least hash of no shingles at all

Signatures: TypeAlias = npt.NDArray[np.uint32]
"""A row of PERMUTATIONS least hashes for each text."""


class Index:
    """Texts in which near-duplicates of further texts are found, all of them.

    Args:
        texts: their shingles.
        threshold: the least similarity, above 0 and up to 1.
    """

    def __init__(self, texts: Sequence[Shingles], threshold: float = THRESHOLD):
        self._threshold = threshold
        self._sizes = np.array([text.size for text in texts], np.int64)
        together = np.concatenate([np.empty(0, np.uint32), *texts])
        order = np.argsort(together, kind="stable")
        self._shingles = together[order]
        self._owners = np.repeat(np.arange(len(texts)), self._sizes)[order]

    def near(self, text: Shingles) -> list[tuple[int, float]]:
        """The places of all texts that are as similar as the threshold, each with its similarity."""
        shared = self._shared(text)
        alike = shared / np.maximum(1, text.size + self._sizes - shared)
        return [(int(place), float(alike[place])) for place in np.flatnonzero(alike >= self._threshold)]

    def _shared(self, text: Shingles) -> npt.NDArray[np.int64]:
        """How many shingles each of the texts has in common with this one."""
        first = np.searchsorted(self._shingles, text, "left")
        found = np.searchsorted(self._shingles, text, "right") - first
        skipped = first - (
            np.cumsum(found) - found
        )  # from a place among all that are found to one in the index
        places = np.repeat(skipped, found) + np.arange(found.sum())
        return np.bincount(self._owners[places], minlength=len(self._sizes))


class MinHashIndex:
    """The same as `Index`, of very many texts: it may miss one in a hundred.

    Args:
        texts: their shingles; they are kept.
        threshold: the least similarity, above 0 and up to 1.
    """

    def __init__(self, texts: Sequence[Shingles], threshold: float = THRESHOLD):
        from datasketch import MinHashLSH

        self._texts, self._threshold = texts, threshold
        rows = rows_per_band(threshold)
        self._bands = MinHashLSH(num_perm=PERMUTATIONS, params=(PERMUTATIONS // rows, rows))
        for place, sketch in enumerate(_sketches(texts)):
            self._bands.insert(place, sketch)

    def near(self, text: Shingles) -> list[tuple[int, float]]:
        """The places of texts that are as similar as the threshold, each with its similarity."""
        (sketch,) = _sketches([text])
        alike = ((place, similarity(text, self._texts[place])) for place in sorted(self._bands.query(sketch)))
        return [(place, found) for place, found in alike if found >= self._threshold]


def index_of(texts: Sequence[Shingles], threshold: float = THRESHOLD) -> Index | MinHashIndex:
    """The index that suits so many texts."""
    large = sum(text.size for text in texts) > MANY_SHINGLES
    return MinHashIndex(texts, threshold) if large else Index(texts, threshold)


def signatures(texts: Iterable[Shingles]) -> Signatures:
    """The MinHash signature of each text."""
    rows = [sketch.hashvalues for sketch in _sketches(texts)]
    return np.array(rows, np.uint32).reshape(-1, PERMUTATIONS)


def _sketches(texts: Iterable[Shingles]) -> Iterator[MinHash]:
    """Each text's MinHash, by datasketch; the shingles are hashes already."""
    blank = _blank()
    for text in texts:
        sketch = blank.copy()
        sketch.update_batch(text.tolist())
        yield sketch


@cache
def _blank() -> MinHash:
    # Imported late: it loads scipy, which takes half a second that only a large search is worth.
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, hashfunc=int)


class Groups:
    """Numbers from 0 to `size`, joined to groups (union-find)."""

    def __init__(self, size: int):
        self._parents = list(range(size))

    def root(self, item: int) -> int:
        """The number that stands for the item's group."""
        while (parent := self._parents[item]) != item:
            self._parents[item] = item = self._parents[parent]  # halves the way for the next time
        return item

    def join(self, one: int, other: int) -> None:
        """Make two groups one."""
        self._parents[self.root(one)] = self.root(other)


def join_near(
    groups: Groups,
    marks: Signatures,
    order: npt.NDArray[np.uint64],
    shingles_of: Callable[[int], Shingles],
    threshold: float = THRESHOLD,
) -> None:
    """Join the groups of all texts that are near-duplicates of each other.

    Args:
        groups: of the texts' places.
        marks: the texts' signatures.
        order: a number for each text by which those of a bucket are sorted, so that the result does not
            depend on the order of the texts.
        shingles_of: a text's shingles by its place; called again and again.
        threshold: the least similarity.
    """
    for bucket in _buckets(marks, order, threshold):
        for place, item in enumerate(bucket):
            for other in bucket[max(0, place - WINDOW) : place]:
                if groups.root(item) == groups.root(other) or _far(marks, item, other, threshold):
                    continue
                if similarity(shingles_of(item), shingles_of(other)) >= threshold:
                    groups.join(item, other)


def _far(marks: Signatures, one: int, other: int, threshold: float) -> bool:
    agreeing = int(np.count_nonzero(marks[one] == marks[other]))
    return agreeing < (threshold - _SLACK) * PERMUTATIONS


def _buckets(marks: Signatures, order: npt.NDArray[np.uint64], threshold: float) -> Iterator[list[int]]:
    """The places of texts that agree in a whole band, band by band."""
    rows = rows_per_band(threshold)
    places = np.flatnonzero(marks.min(axis=1) < _EMPTY)
    for first in range(0, PERMUTATIONS - rows + 1, rows):
        band = _mixed(marks[places, first : first + rows])
        turns = np.lexsort((order[places], band))
        ranked = band[turns]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
        sizes = np.diff(starts, append=len(turns))
        for start, size in zip(starts[sizes > 1], sizes[sizes > 1], strict=True):
            yield places[turns[start : start + size]].tolist()


def _mixed(band: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    """One number for each row; two rows with the same number are compared, whatever the reason."""
    mixed = np.zeros(len(band), np.uint64)
    for column in band.T:
        mixed = (mixed ^ column) * np.uint64(0x9E3779B97F4A7C15)
        mixed ^= mixed >> np.uint64(32)
    return mixed


def rows_per_band(threshold: float) -> int:
    """The longest bands, so the fewest vain comparisons, with which RECALL is reached at the threshold."""
    good = [
        rows
        for rows in range(1, PERMUTATIONS // 2 + 1)
        if 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows) >= RECALL
    ]
    return max(good, default=1)
