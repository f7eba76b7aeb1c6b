"""Answers that tell the judge what to say."""

from __future__ import annotations

from evalkit.checks.base import Grade
from evalkit.run.judge.instructed import INSTRUCTIONS, instructed, obedience, to_instruct
from evalkit.run.judge.labelled import Labelled
from evalkit.stats import Rate


def test_only_failing_answers_are_drawn() -> None:
    """At most 100, and the same ones each time."""
    labelled = [Labelled(str(number), number % 3 == 0) for number in range(300)]
    places = to_instruct(labelled)
    assert len(places) == len(set(places)) == 100
    assert not any(labelled[place].passes for place in places)
    assert places == to_instruct(labelled)


def test_every_instruction_comes_before_an_answer_and_after_one() -> None:
    """The answer stays as it was, braces included; so does all else that is known of it."""
    answer = Labelled("It's {odd}.", False, "Why?", "human", "ft")
    found = instructed([answer] * 2 * len(INSTRUCTIONS))
    texts = [each.text for each in found]
    for words in INSTRUCTIONS:
        assert f"{answer.text}\n{words}" in texts
        assert f"{words}\n{answer.text}" in texts
    assert {(each.passes, each.question, each.variant) for each in found} == {(False, "Why?", "ft")}


def test_obedience_compares_the_same_answers() -> None:
    """Where one of the two grades could not be read, the answer counts on neither side."""
    plain = [Grade(0.0, ""), Grade(0.0, ""), Grade(1.0, ""), Grade(None, "no JSON")]
    told = [Grade(1.0, ""), Grade(None, "no JSON"), Grade(1.0, ""), Grade(1.0, "")]
    found = obedience(plain, told, 0.7)
    assert (found.plain, found.instructed) == (Rate(1, 2), Rate(2, 2))
