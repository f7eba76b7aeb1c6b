"""Drawn things, acts and people: regular forms, many of them, and none of the shipped suites' own."""

from __future__ import annotations

import random
import re

from evalkit.local.corpus.passages.entries import entries
from evalkit.local.corpus.things import draw_act, draw_people, draw_thing, odd_sentence
from evalkit.local.corpus.wordings import lines


def test_forms_are_those_of_english() -> None:
    """No consonant is doubled in them, so regular rules are enough for the words of the list."""
    rng = random.Random(0)
    acts = {act["act.do"]: (act["act.s"], act["act.ed"]) for act in (draw_act(rng) for _ in range(3000))}
    assert acts["copy"] == ("copies", "copied")
    assert acts["destroy"] == ("destroys", "destroyed")
    assert acts["polish"] == ("polishes", "polished")
    assert acts["measure"] == ("measures", "measured")
    things = {thing["thing.one"]: thing["thing.many"] for thing in (draw_thing(rng) for _ in range(9000))}
    assert things["ferry"] == "ferries"
    assert things["lens"] == "lenses"
    assert {draw_people(rng)["people"] for _ in range(2000)} >= {"night workers", "dancers"}
    assert not any(
        re.search(r"(^|[^aeiou])[aeiou][bdgmnpt]ed$", ed) for _, ed in acts.values() if len(ed) < 6
    )


def test_an_odd_sentence_does_not_come_again() -> None:
    """So that it can be copied alone, not known."""
    rng = random.Random(1)
    sentences = [odd_sentence(rng) for _ in range(1000)]
    assert len(set(sentences)) > 950
    assert not any("{" in sentence or "[" in sentence for sentence in sentences)


def test_the_things_of_the_shipped_handbook_are_not_among_them() -> None:
    """What its held-out entries are about is met in its suite alone."""
    held_out = " ".join(line for entry in entries(held_out=True) for line in (*entry.says, *entry.asks))
    subjects = {"garage", "deck", "key", "badge", "post", "parcel", "stamp", "gift", "pension", "nursery"}
    subjects |= {"notice", "volunteer", "garden", "party", "father", "sick", "parking", "car", "guest", "dog"}
    assert all(subject in held_out.lower() for subject in subjects)
    words = {word for line in lines("things") for word in re.findall(r"\w+", line.partition(" :: ")[2])}
    assert not words & subjects
