"""Splits: seeded, stratified, and nothing on both sides."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.dataset.conversation import Conversation, conversation
from evalkit.dataset.leaks import leaks
from evalkit.dataset.split import split
from evalkit.errors import UsageError

WORDS = ["".join(random.Random(number).choices("abcdefghiklmnoprstu", k=6)) for number in range(400)]


def example(question: str, answer: str = "yes", **more: object) -> Conversation:
    """One example."""
    return conversation({"ask": question, "answer": answer, **more})


def examples(count: int, seed: int = 0, duplicates: int = 0) -> list[Conversation]:
    """Questions of random words with one of three tags, some of them repeated in other clothes."""
    rng = random.Random(seed)
    tags = ["easy"] * 6 + ["hard"] * 3 + ["odd"]
    texts = [" ".join(rng.sample(WORDS, 9)) for _ in range(count - duplicates)]
    texts += [f"Hello! {rng.choice(texts).upper()}?" for _ in range(duplicates)]
    return [example(text, answer=" ".join(rng.sample(WORDS, 5)), tags=[rng.choice(tags)]) for text in texts]


def test_every_tag_has_its_share_on_both_sides() -> None:
    """A fifth of each tag is for testing, give or take one."""
    for tag, (train, test) in split(examples(500), 0.2).by_tag().items():
        assert abs(test - 0.2 * (train + test)) <= 1, tag


def test_groups_are_drawn_as_often_as_what_stands_alone() -> None:
    """A fifth of the examples that have near-duplicates is for testing too."""
    rng = random.Random(7)
    alone = [example(" ".join(rng.sample(WORDS, 9)), tags=["a"]) for _ in range(300)]
    twins = [" ".join(rng.sample(WORDS, 9)) for _ in range(150)]
    rows = [*alone, *(example(text + end, tags=[end]) for text in twins for end in "!?")]
    found = split(rows, 0.2)
    assert len(found.together) == 150
    assert found.by_tag() == {"a": (240, 60), "!": (120, 30), "?": (120, 30)}


@pytest.mark.parametrize("number", [1, 7, 30, 99])
def test_a_number_is_kept_where_nothing_must_stay_together(number: int) -> None:
    """The share that a number stands for gives that number."""
    assert len(split(examples(100), number / 100).test) == number


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_the_order_of_lines_does_not_matter(seed: int) -> None:
    """The same examples give the same split by the same seed."""
    rows = examples(60, seed, duplicates=10)
    turned = random.Random(seed).sample(range(60), 60)
    there = {rows[place] for place in split(rows, 0.3, seed).test}
    shuffled = [rows[place] for place in turned]
    assert {shuffled[place] for place in split(shuffled, 0.3, seed).test} == there


def test_another_seed_gives_another_split() -> None:
    """The draw is seeded."""
    rows = examples(100)
    assert split(rows, 0.2, seed=1).test == split(rows, 0.2, seed=1).test != split(rows, 0.2, seed=2).test


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 1000))
def test_what_is_split_does_not_leak(seed: int) -> None:
    """The search for leaks finds nothing of the test side on the training side."""
    rows = examples(80, seed, duplicates=20)
    found = split(rows, 0.25, seed)
    train = [row for place, row in enumerate(rows) if place not in found.test]
    assert leaks(train, {str(place): rows[place] for place in found.test}) == ()
    assert found.together


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            example("What is a cat, please?"),
            example("what is a CAT please", answer="An animal of few words."),
        ),
        (example("Tell me of cats.", group="cats"), example("Where do dogs live?", group="cats")),
        (
            example("Why?", answer="Because the night is long and the day is short."),
            example("Why so?", answer="Because the night is long, and the day is short!"),
        ),
    ],
)
def test_what_belongs_together_stays_on_one_side(one: Conversation, other: Conversation) -> None:
    """The same question, the same `group`, nearly the same words: never on both sides, whatever the seed."""
    rows = [one, *examples(20), other]
    for seed in range(20):
        found = split(rows, 0.5, seed)
        assert found.groups[0] == found.groups[-1]
        assert (0 in found.test) == (len(rows) - 1 in found.test)


def test_a_template_ties_nothing_together() -> None:
    """A long text around every question leaves them apart, and so does one question put to many texts."""
    around = (
        "Read with care what follows and say in one word what it is about, nothing else: {} -- and be brief!"
    )
    rows = [example(around.format(row.question)) for row in examples(40)]
    assert split(rows, 0.5).together == ()
    same = [example("Summarise.", answer=row.question, tags=["a"]) for row in examples(40)]
    assert split(same, 0.5).together == ()


def test_what_cannot_be_split_is_refused() -> None:
    """One group, or a share that leaves a side empty."""
    with pytest.raises(UsageError, match="near-duplicates"):
        split([example("one and the same")] * 5, 0.5)
    with pytest.raises(UsageError, match="0 would be for testing"):
        split([example("one"), example("other")], 0.0001)
