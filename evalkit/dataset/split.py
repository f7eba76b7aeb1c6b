"""Examples for training and for testing: drawn by a seed, alike in tags, and nothing on both sides.

What must stay together is a group: examples with the same `group` field, the same question, or texts that are
near-duplicates (all that is said, or all that is asked). Groups are drawn whole.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from random import Random

import numpy as np

from evalkit.dataset.conversation import Conversation
from evalkit.dataset.near import THRESHOLD, Groups, join_near, signatures
from evalkit.dataset.shingles import Commons, Shingles, most_own, normalised, shingles
from evalkit.errors import UsageError

TextOf = Callable[[Conversation], str]

VIEWS: tuple[TextOf, ...] = (lambda example: example.whole, lambda example: example.question)
"""What is compared of two examples."""

_KEPT = 1024  # sets of shingles, for comparing neighbours in a bucket


@dataclass(frozen=True, slots=True)
class Split:
    """Which examples are for testing.

    Attributes:
        test: their places, counted from 0.
        groups: the group of each example, a number without meaning.
        tags: of each example.
    """

    test: frozenset[int]
    groups: tuple[int, ...]
    tags: tuple[tuple[str, ...], ...]

    @property
    def together(self) -> tuple[int, ...]:
        """The sizes of the groups of two and more, the largest first."""
        return tuple(size for _, size in Counter(self.groups).most_common() if size > 1)

    def by_tag(self) -> Mapping[str, tuple[int, int]]:
        """How many examples of each tag are for training, and how many for testing; "" is without a tag."""
        found: dict[str, list[int]] = {}
        for place, tags in enumerate(self.tags):
            for tag in tags or ("",):
                found.setdefault(tag, [0, 0])[place in self.test] += 1
        return {tag: (train, test) for tag, (train, test) in sorted(found.items())}


def split(
    examples: Sequence[Conversation], share: float, seed: int = 0, threshold: float = THRESHOLD
) -> Split:
    """Draw about `share` of the examples for testing.

    The same examples give the same split, in whatever order they stand.

    Args:
        examples: gone through several times; about 1.2 KB of memory for each.
        share: above 0 and below 1.
        seed: of the draw.
        threshold: the least similarity of near-duplicates.

    Raises:
        UsageError: one side would be empty.
    """
    marks = [_marked(example) for example in examples]
    groups = _grouped(examples, marks, threshold)
    test = _drawn(marks, groups, share, seed)
    if not 0 < len(test) < len(examples):
        raise UsageError(
            f"{len(examples):,} examples in {len(set(groups)):,} groups of near-duplicates cannot be split: "
            f"{len(test):,} would be for testing; change --test, raise --threshold, or write more examples"
        )
    return Split(frozenset(test), groups, tuple(mark.tags for mark in marks))


@dataclass(frozen=True, slots=True)
class _Mark:
    """What is remembered of an example: the hash of each view of it, and what the line says of itself."""

    views: tuple[int, ...]
    tags: tuple[str, ...]
    group: str | None


def _marked(example: Conversation) -> _Mark:
    views = (_hash(normalised(view(example))) for view in VIEWS)
    return _Mark(tuple(views), tuple(sorted(set(example.tags))), example.group)


def _hash(text: str) -> int:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")


def _grouped(examples: Sequence[Conversation], marks: Sequence[_Mark], threshold: float) -> tuple[int, ...]:
    """A number for each example, the same for all that must stay together."""
    groups = Groups(len(examples))
    _join_same(groups, [mark.group for mark in marks])
    for view, text_of in enumerate(VIEWS):
        hashes = [mark.views[view] for mark in marks]
        _join_same(groups, _without_common(hashes))
        _join_alike(groups, examples, text_of, hashes, threshold)
    return tuple(groups.root(place) for place in range(len(examples)))


def _join_same(groups: Groups, keys: Iterable[int | str | None]) -> None:
    """Join the examples with the same key; None is no key."""
    first: dict[int | str, int] = {}
    for place, key in enumerate(keys):
        if key is not None:
            groups.join(place, first.setdefault(key, place))


def _without_common(hashes: Sequence[int]) -> list[int | None]:
    """The hashes, None for a text that many examples have: `Summarise.` is no question."""
    counts = Counter(hashes)
    most = most_own(len(hashes))
    return [found if counts[found] <= most else None for found in hashes]


def _join_alike(
    groups: Groups, examples: Sequence[Conversation], text_of: TextOf, hashes: Sequence[int], threshold: float
) -> None:
    """Join the examples whose texts are near-duplicates; of the same text only the first is looked at."""
    firsts = sorted({found: place for place, found in reversed(list(enumerate(hashes)))}.values())
    chosen = set(firsts)

    def texts() -> Iterator[Shingles]:
        return (_shingles(text_of(example)) for i, example in enumerate(examples) if i in chosen)

    commons = Commons()
    for text in texts():
        commons.add(text)

    @lru_cache(_KEPT)
    def own(item: int) -> Shingles:
        return commons.own(_shingles(text_of(examples[firsts[item]])))

    marks = signatures(map(commons.own, texts()))
    near = Groups(len(firsts))
    join_near(near, marks, np.array([hashes[place] for place in firsts], np.uint64), own, threshold)
    for item, place in enumerate(firsts):
        groups.join(place, firsts[near.root(item)])


def _shingles(text: str) -> Shingles:
    return shingles(normalised(text))


def _drawn(marks: Sequence[_Mark], groups: Sequence[int], share: float, seed: int) -> list[int]:
    """Systematic sampling: ordered by tags, then by lot, every so many-th is taken.

    Groups of several come first, each as likely as any other, unless it has more than all that is for
    testing; examples that stand alone then make up what is missing.
    """
    members: dict[int, list[int]] = {}
    for place, group in enumerate(groups):
        members.setdefault(group, []).append(place)
    drawn: list[int] = []
    passed, several, start = 0, 0, Random(seed).random()
    for together in sorted(members.values(), key=lambda places: _turn(marks, places, seed)):
        passed += len(together)
        if len(together) > 1:
            several += 1
            due = math.floor(several * share + start) > math.floor((several - 1) * share + start)
            due = due and len(together) <= share * len(groups)
        else:
            due = len(drawn) + 1 <= share * passed + start
        if due:
            drawn += together
    return drawn


def _turn(marks: Sequence[_Mark], group: Sequence[int], seed: int) -> tuple[tuple[str, ...], int, int]:
    """A group's place in the draw: by its most frequent tags, the larger ones first, then by lot."""
    counts = Counter(marks[place].tags for place in group)
    tags = min(counts, key=lambda tags: (-counts[tags], tags))
    return tags, -len(group), _hash(f"{seed} {min(marks[place].views[0] for place in group)}")
