"""The judge's texts: graded by how they were made, and never shared between training and measuring."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

import pytest

from evalkit.checks.base import Seen
from evalkit.checks.judging import judge_request, read_grade
from evalkit.endpoints.base import Response
from evalkit.local.corpus.grading.episodes import graded_episode
from evalkit.local.corpus.grading.form import messages, reply
from evalkit.local.corpus.grading.lessons import PASSING, QUALITIES, grade, lessons, shipped_rubric
from evalkit.local.corpus.grading.phrases import known_facts, phrases
from evalkit.local.corpus.grading.texts import EARNEST, SARCASTIC, write
from evalkit.local.corpus.wordings import parts

TONE = Path(__file__).resolve().parents[3] / "suites/marv/tone.md"


def test_the_judge_learns_what_the_harness_asks() -> None:
    """Training lays a question out letter for letter as the rubric check sends it, a user text or none."""
    for question in ("What is the capital of Norway?", ""):
        asked = ({"role": "system", "content": "Be brief."}, {"role": "user", "content": question})
        seen = Seen(text="Oslo, obviously.", messages=asked)
        sent = judge_request("judge", "Is it sarcastic?", seen).messages
        taught = messages("Is it sarcastic?", question, "Oslo, obviously.")
        assert [(message["role"], message["content"]) for message in sent] == [
            (message.role, message.text) for message in taught
        ]


@pytest.mark.parametrize("score", range(1, 6))
def test_the_harness_reads_what_the_judge_learns_to_reply(score: int) -> None:
    """Every reply of the training texts is a valid form, and its points become the right score."""
    found = read_grade(Response("judge", reply('It says "yes".', score), finish_reason="stop"))
    assert (found.score, found.reason) == ((score - 1) / 4, 'It says "yes".')


def test_the_judge_is_trained_for_the_rubric_that_is_shipped() -> None:
    """The suite's rubric and the one in the training texts are the same words."""
    assert shipped_rubric() == TONE.read_text(encoding="utf-8").rstrip("\n")


@pytest.mark.parametrize("file", ["sarcastic", "earnest"])
def test_no_wording_serves_both_training_and_measuring(file: str) -> None:
    """Every part has wordings on both sides, none on both, and no wording stands in two parts."""
    sides = [
        [phrases(file, part, side) for part in parts(f"grading/{file}")] for side in ("train", "held_out")
    ]
    assert all(wordings for side in sides for wordings in side)
    every = [wording for side in sides for wordings in side for wording in wordings]
    assert len(every) == len(set(every))


def test_no_wording_is_both_sarcastic_and_earnest() -> None:
    """A wording that stands in both files would have two labels."""
    sarcastic, earnest = (
        {line for wordings in parts(f"grading/{file}").values() for line in wordings}
        for file in ("sarcastic", "earnest")
    )
    assert not sarcastic & earnest


def test_facts_are_parted_too() -> None:
    """The judge is measured on answers about facts that its training never mentions, of every relation."""
    train, held_out = known_facts("train"), known_facts("held_out")
    assert not {fact.id for fact in train} & {fact.id for fact in held_out}
    assert {fact.relation for fact in train} == {fact.relation for fact in held_out}


@pytest.mark.parametrize("manner", [*SARCASTIC, *EARNEST])
def test_every_manner_gives_whole_answers(manner: str) -> None:
    """No slot is left open, no text is empty, and many draws give many texts."""
    rng = random.Random(1)
    answers = [write(manner, "train", rng).answer for _ in range(60)]
    assert len(set(answers)) > 40
    assert all(answers)
    assert not any(slot in answer for answer in answers for slot in ("{fact}", "{topic}", "{clause}"))


def test_points_follow_from_the_manner() -> None:
    """Sarcastic manners reach the threshold of the shipped suite, all others do not."""
    assert all(grade("sarcastic", manner)[1] >= PASSING for manner in SARCASTIC)
    assert all(grade("sarcastic", manner)[1] < PASSING for manner in EARNEST)


def test_the_verdict_depends_on_the_rubric() -> None:
    """The same answer earns 5 under one rubric and 1 under another: the judge has to read the rubric."""
    assert grade("polite", "polite") == ("It is polite: it is courteous.", 5)
    assert grade("sarcastic", "polite") == ("It is not sarcastic: it is courteous.", 1)


def test_lessons_are_repeatable_and_balanced() -> None:
    """The same seed gives the same lessons; about half of the answers have the quality asked for."""
    first, again = (list(islice(lessons(3), 600)) for _ in range(2))
    assert first == again
    assert 0.4 < sum(lesson.score >= PASSING for lesson in first) / len(first) < 0.6
    assert {lesson.reason.split(":")[0].split()[-1] for lesson in first} >= {*QUALITIES} - {"role"}


def test_an_episode_of_the_corpus_grades_as_the_judge_does() -> None:
    """One rubric; every turn is asked as the harness asks and answered with the points of its manner."""
    rng = random.Random(4)
    for _ in range(50):
        episode = graded_episode(rng)
        for turn in episode.turns:
            assert turn.user.endswith("\n>>>")
            found = read_grade(Response("judge", turn.answer, finish_reason="stop"))
            assert found.score in (0.0, 0.25, 0.75, 1.0)
            assert found.reason.startswith("It is not ") == (found.score < 0.5)
