"""Pairs of answers in both orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.endpoints.base import Response
from evalkit.run.judge.labelled import Labelled
from evalkit.run.judge.positions import (
    AnswerPair,
    Choice,
    answer_pairs,
    pair_request,
    position_bias,
    read_choice,
)
from evalkit.stats import Rate

LLMBAR = Path(__file__).resolve().parents[3].parent / "shared/data/llmbar/gpt4_vanilla.json"
FIRST, SECOND, UNREAD = Choice("first", ""), Choice("second", ""), Choice(None, "no JSON")


@pytest.mark.skipif(not LLMBAR.is_file(), reason=f"{LLMBAR} is not there")
def test_gpt_4s_two_orders_agree_as_recorded_for_llmbar() -> None:
    """100 pairs that GPT-4 compared in both orders: kappa 0.897709; 5 choices change with the order."""
    places = {"Output (a)": FIRST, "Output (b)": SECOND}
    orders = [row["results"][0] for row in json.loads(LLMBAR.read_text("utf-8"))]
    choices = [
        (places[order["swap = False"]["completion"][0]], places[order["swap = True"]["completion"][0]])
        for order in orders
    ]
    found = position_bias(choices)
    assert found.kappa is not None
    assert round(found.kappa.value, 6) == 0.897709
    assert (found.flipped, found.first) == (Rate(5, 100), Rate(101, 200))


def test_a_judge_that_always_takes_the_first_is_found_out() -> None:
    """Every choice changes with the order, and the orders agree on nothing."""
    found = position_bias([(FIRST, FIRST)] * 20)
    assert (found.flipped, found.first) == (Rate(20, 20), Rate(40, 40))
    assert found.kappa is not None
    assert found.kappa.value == 0


def test_what_could_not_be_read_is_no_choice() -> None:
    """A pair with one unreadable reply says nothing of its order; the other reply is still a choice."""
    found = position_bias([(FIRST, SECOND), (UNREAD, FIRST), (UNREAD, UNREAD)])
    assert (found.flipped, found.first) == (Rate(0, 1), Rate(2, 3))
    assert found.unread == {"no JSON": 3}


def test_pairs_answer_one_question_and_differ_in_their_label() -> None:
    """No answer is used twice, and answers without a question go with one another."""
    labelled = [
        *(Labelled(f"{question}{number}", number < 2, question) for question in "ab" for number in range(5)),
        Labelled("good", True),
        Labelled("bad", False),
        Labelled("alone", True, "c"),
    ]
    pairs = answer_pairs(labelled)
    assert len(pairs) == 5
    assert all(pair.good.passes and not pair.bad.passes for pair in pairs)
    assert all(pair.good.question == pair.bad.question for pair in pairs)
    assert len({answer.text for pair in pairs for answer in (pair.good, pair.bad)}) == 10
    assert len(answer_pairs([Labelled("x", n % 2 == 0) for n in range(400)])) == 60


def test_the_two_orders_ask_the_same_of_swapped_answers() -> None:
    """The rubric is the system message; question and form are equal, the answers change places."""
    pair = AnswerPair(Labelled("good", True, "Why?"), Labelled("bad", False, "Why?"))
    one, other = (pair_request("j", "Be kind.", pair, order) for order in (0, 1))
    asked, swapped = ((request.messages or ())[1]["content"] for request in (one, other))
    assert one.params == other.params
    assert asked.index("Why?") < asked.index("good") < asked.index("bad")
    assert swapped.replace("bad", "*").replace("good", "bad").replace("*", "good") == asked


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"reason": "kinder", "better": "second"}', "second"),
        ('{"reason": "kinder", "better": "both"}', None),
        ('["first"]', None),
        ("first", None),
        ("", None),
    ],
)
def test_only_the_form_is_a_choice(text: str, place: str | None) -> None:
    """Whatever else comes is no choice, and says why."""
    found = read_choice(Response("j", text))
    assert found.place == place
    assert found.reason


def test_what_is_cut_off_or_refused_is_no_choice() -> None:
    """Though what came may look like one."""
    text = '{"reason": "kinder", "better": "second"}'
    assert read_choice(Response("j", text, finish_reason="length")).reason == (
        "the judge's reply was cut off: allow it more tokens"
    )
    assert read_choice(Response("j", text, refusal="No.")) == Choice(None, "the judge refused: No.")
