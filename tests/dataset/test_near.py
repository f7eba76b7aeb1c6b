"""The search for near-duplicates, against comparing every text with every other."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.dataset.near import (
    PERMUTATIONS,
    RECALL,
    Groups,
    Index,
    MinHashIndex,
    index_of,
    join_near,
    rows_per_band,
    signatures,
)
from evalkit.dataset.shingles import Shingles, shingles, similarity

WORDS = [f"{syllable}{number}" for syllable in ("ka", "lo", "mi", "nu", "pe") for number in range(60)]


def edited(rng: random.Random, words: list[str], edits: int) -> list[str]:
    """The words with some of them exchanged."""
    changed = list(words)
    for _ in range(edits):
        changed[rng.randrange(len(changed))] = rng.choice(WORDS)
    return changed


def texts(seed: int, originals: int = 60) -> list[Shingles]:
    """Random texts, each with three versions that are ever less alike."""
    rng = random.Random(seed)
    made = []
    for _ in range(originals):
        words = rng.choices(WORDS, k=rng.randint(10, 60))
        made += [words, *(edited(rng, words, max(1, len(words) * share // 20)) for share in (1, 2, 4))]
    return [shingles(" ".join(words)) for words in made]


def alike(sets: list[Shingles], threshold: float) -> set[tuple[int, int]]:
    """All pairs, by brute force."""
    pairs = combinations(range(len(sets)), 2)
    return {(a, b) for a, b in pairs if similarity(sets[a], sets[b]) >= threshold}


def grouped(sets: list[Shingles], threshold: float, order: list[int] | None = None) -> Groups:
    """The groups that MinHash finds."""
    groups = Groups(len(sets))
    numbers = np.array(range(len(sets)) if order is None else order, np.uint64)
    join_near(groups, signatures(sets), numbers, sets.__getitem__, threshold)
    return groups


def components(groups: Groups, size: int) -> set[frozenset[int]]:
    """The groups as sets of their members."""
    members: dict[int, set[int]] = {}
    for item in range(size):
        members.setdefault(groups.root(item), set()).add(item)
    return {frozenset(found) for found in members.values()}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.3, 0.7, 0.9, 1.0]))
def test_the_index_finds_what_brute_force_finds(seed: int, threshold: float) -> None:
    """Precision and recall are 1, and the similarities are the same to the last bit."""
    sets = texts(seed, originals=6)
    index = Index(sets, threshold)
    found = {(a, b, alike) for a, text in enumerate(sets) for b, alike in index.near(text) if a < b}
    assert found == {(a, b, similarity(sets[a], sets[b])) for a, b in alike(sets, threshold)}


@pytest.mark.parametrize("threshold", [0.4, 0.7])
def test_both_indexes_find_the_same(threshold: float) -> None:
    """MinHash tells the same pairs with the same similarities, but for one in a hundred that it may miss."""
    sets = texts(seed=4, originals=40)
    exact, sketched = (
        {(a, b, alike) for a, text in enumerate(sets) for b, alike in index.near(text)}
        for index in (Index(sets, threshold), MinHashIndex(sets, threshold))
    )
    assert sketched <= exact
    assert len(sketched) >= RECALL * len(exact)


def test_the_larger_the_more_is_left_to_minhash(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which index is taken depends on how much there is to search."""
    assert isinstance(index_of([shingles("some text")]), Index)
    monkeypatch.setattr("evalkit.dataset.near.MANY_SHINGLES", 5)
    assert isinstance(index_of([shingles("some text")]), MinHashIndex)


@pytest.mark.parametrize("threshold", [0.4, 0.6, 0.75])
def test_minhash_finds_nearly_all_that_brute_force_finds(threshold: float) -> None:
    """No pair that is told is too unlike, and of those that are alike at most one in a hundred is missed."""
    sets = texts(seed=1, originals=70)
    pairs, groups = alike(sets, threshold), grouped(sets, threshold)
    assert len(pairs) > 40
    together = sum(groups.root(a) == groups.root(b) for a, b in pairs)
    assert together / len(pairs) >= RECALL
    exact = Groups(len(sets))
    for a, b in pairs:
        exact.join(a, b)
    for found in components(groups, len(sets)):
        assert len({exact.root(item) for item in found}) == 1


def test_the_order_of_the_texts_does_not_matter() -> None:
    """Shuffled, with the same numbers to sort by, they form the same groups."""
    sets = texts(seed=2)
    turned = random.Random(3).sample(range(len(sets)), len(sets))
    back = grouped([sets[i] for i in turned], 0.7, order=turned)
    found = {frozenset(turned[i] for i in group) for group in components(back, len(sets))}
    assert found == components(grouped(sets, 0.7), len(sets))


def test_texts_without_shingles_are_near_nothing() -> None:
    """Two texts of which nothing is left are not each other's duplicates."""
    empty = np.empty(0, np.uint32)
    assert len(components(grouped([empty, empty, shingles("some text")], 0.5), 3)) == 3
    assert Index([empty], 0.5).near(empty) == MinHashIndex([empty], 0.5).near(empty) == []


def test_nothing_at_all_is_searched_in_vain() -> None:
    """No texts, no groups, no signatures."""
    assert signatures([]).shape == (0, PERMUTATIONS)
    join_near(Groups(0), signatures([]), np.empty(0, np.uint64), lambda item: np.empty(item, np.uint32))
    assert Index([]).near(shingles("some text")) == []


@given(st.floats(0.05, 1.0))
def test_bands_are_as_long_as_the_recall_allows(threshold: float) -> None:
    """At the threshold itself the chance to agree in a band is at least RECALL."""
    rows = rows_per_band(threshold)
    chance = 1 - (1 - threshold**rows) ** (PERMUTATIONS // rows)
    assert chance >= RECALL or rows == 1
