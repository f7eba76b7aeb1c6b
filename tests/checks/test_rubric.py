"""rubric, and the pure functions around the judge."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks import Grade, Seen, build
from evalkit.checks.judging import FORM, judge_request, read_grade
from evalkit.endpoints.base import Response

QUESTION = ({"role": "system", "content": "You are Marv."}, {"role": "user", "content": "Capital of Norway?"})


def judged(score: float | None, reason: str = "because") -> Seen:
    """An answer with a judge that always says the same."""
    return Seen("Oslo, as if you did not know.", judge=lambda _rubric, _seen: Grade(score, reason))


@pytest.mark.parametrize(("score", "passed"), [(1.0, True), (0.75, True), (0.5, False), (0.0, False)])
def test_the_grade_is_compared_with_the_threshold(score: float, passed: bool) -> None:
    """The score is kept as it is; the judge's reason is handed on."""
    found = build("rubric", {"text": "Be sarcastic.", "threshold": 0.75}).check(judged(score))
    assert (found.passed, found.score) == (passed, score)
    assert "because" in found.reason


def test_the_judge_gets_the_rubric_and_what_was_seen() -> None:
    """Nothing else is asked of it."""
    asked: list[tuple[str, Seen]] = []

    def judge(rubric: str, seen: Seen) -> Grade:
        asked.append((rubric, seen))
        return Grade(1.0, "")

    seen = Seen("Oslo.", messages=QUESTION, judge=judge)
    assert build("rubric", "Be sarcastic.").check(seen).passed
    assert asked == [("Be sarcastic.", seen)]


def test_an_unreadable_grade_is_null() -> None:
    """Never a pass, never a failure."""
    found = build("rubric", "Be sarcastic.").check(judged(None, "the judge's reply is no JSON"))
    assert (found.passed, found.score, found.reason) == (None, None, "the judge's reply is no JSON")


def test_without_a_judge_the_verdict_is_null() -> None:
    """The reason names the flag."""
    found = build("rubric", "Be sarcastic.").check(Seen("Oslo."))
    assert found.passed is None
    assert "--judge" in found.reason


def test_the_request_holds_rubric_question_answer_and_form() -> None:
    """The rubric is the system message; the answer stands between marks; further params are kept."""
    request = judge_request("judge", "Be kind.", Seen("Oslo.", messages=QUESTION), {"temperature": 0})
    assert request.messages == (
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Question: Capital of Norway?\nAnswer to grade:\n<<<\nOslo.\n>>>"},
    )
    assert request.params == {"temperature": 0, "response_format": FORM}


def test_without_a_question_the_answer_stands_alone() -> None:
    """As for legacy completions."""
    request = judge_request("judge", "Be kind.", Seen("Oslo."))
    assert request.messages is not None
    assert request.messages[1]["content"] == "Answer to grade:\n<<<\nOslo.\n>>>"


@pytest.mark.parametrize(("points", "score"), [(1, 0.0), (2, 0.25), (3, 0.5), (4, 0.75), (5, 1.0)])
def test_points_become_a_score(points: int, score: float) -> None:
    """(points - 1) / 4."""
    reply = json.dumps({"reason": "dry", "score": points})
    assert read_grade(Response("judge", reply)) == Grade(score, "dry")


@pytest.mark.parametrize(
    "form",
    [
        {"score": 5},
        {"reason": "x", "score": 6},
        {"reason": "x", "score": 0},
        {"reason": "x", "score": True},
        {"reason": "x", "score": "5"},
        {"reason": "x", "score": 4.5},
        {"reason": None, "score": 5},
        {"reason": "x", "score": 5, "verdict": "Y"},
        [5],
        5,
    ],
)
def test_a_reply_that_is_not_the_form_is_no_grade(form: Any) -> None:
    """However near it is."""
    grade = read_grade(Response("judge", json.dumps(form)))
    assert grade.score is None
    assert "not the form" in grade.reason


@settings(deadline=None)
@given(st.none() | st.text())
def test_free_text_is_never_searched_for_a_grade(text: str | None) -> None:
    """Y, yes, 5 or a pass in prose give no grade."""
    assert read_grade(Response("judge", text)).score is None


def test_refused_and_cut_off_replies_say_so() -> None:
    """Each with its own reason."""
    whole = json.dumps({"reason": "x", "score": 5})
    assert "refused" in read_grade(Response("judge", None, refusal="No.")).reason
    assert "cut off" in read_grade(Response("judge", whole, finish_reason="length")).reason
