"""Sentences by one author."""

from __future__ import annotations

import random

from evalkit.local.corpus.speaker import Speaker


def test_values_stay_the_same_and_no_sentence_comes_twice() -> None:
    """The city of one text is one city, and a line that was drawn again is left out."""
    slots = {"city": "Turin", "year": 1900, "first": "Ada"}
    said = Speaker(random.Random(0), "tools/house", slots).some("background", (1.0,) * 60)
    assert len(said) == len(set(said)) > 10
    assert any("Turin" in sentence for sentence in said)
    assert not any("{" in sentence for sentence in said)


def test_a_chance_of_nothing_says_nothing() -> None:
    """Each chance stands for a sentence that may be there."""
    speaker = Speaker(
        random.Random(0), "tools/house", {"scope": "the house", "city": "Turin", "first": "Ada"}
    )
    assert speaker.some("role", (0.0, 0.0)) == ()
