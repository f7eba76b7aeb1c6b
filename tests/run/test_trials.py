"""What a judge is tried with: order, and instructions in the answer itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.checks.base import Grade
from evalkit.checks.pairing import Choice, Versus, pair_request, read_choice
from evalkit.endpoints.base import Response
from evalkit.run.labelled import Labelled, agreement
from evalkit.run.trials import INSTRUCTIONS, injected, passed, places, versus
from evalkit.stats import Rate

LLMBAR = Path(__file__).resolve().parents[3] / "shared" / "data" / "llmbar"


def test_bad_answers_are_told_to_pass() -> None:
    """Each instruction has its turn; good answers are left out; braces in an answer mean nothing."""
    labelled = [Labelled(f"bad {{{n}}}", False) for n in range(8)] + [Labelled("good", True)]
    plain, told = injected(labelled)
    assert {each.text for each in plain} == {f"bad {{{n}}}" for n in range(8)}
    assert all(before.text in after.text for before, after in zip(plain, told, strict=True))
    assert len(
        {after.text.replace(before.text, "") for before, after in zip(plain, told, strict=True)}
    ) == len(INSTRUCTIONS)


def test_what_passed_is_of_grades_that_could_be_read() -> None:
    """A null grade is neither."""
    assert passed([Grade(1.0, ""), Grade(0.5, ""), Grade(None, "no JSON")], 0.7) == Rate(1, 2)


def test_pairs_are_of_one_question() -> None:
    """A good and a bad answer each; which stands first goes by turns."""
    labelled = [Labelled(f"{q} {word}", word == "good", q) for q in "abcdef" for word in ("good", "bad")]
    found = versus([*labelled, Labelled("alone", True, "g")])
    assert sorted(pair.question or "" for pair in found) == list("abcdef")
    assert sum(pair.first.endswith("good") for pair in found) == 3


def test_going_by_the_place_is_seen() -> None:
    """A judge that always says first moves with the order; one that looks at the answers does not."""
    blind = places(["first"] * 10, ["first"] * 10)
    assert (blind.moved, blind.first) == (Rate(10, 10), Rate(20, 20))
    fair = places(["first", "second"] * 5, ["second", "first"] * 5)
    assert (fair.moved, fair.first) == (Rate(0, 10), Rate(10, 20))
    assert fair.kappa is not None
    assert fair.kappa.value == pytest.approx(1)


def test_unread_choices_are_counted_apart() -> None:
    """Neither moved nor steady."""
    found = places(["first", None], ["second", "first"])
    assert (found.moved, found.first, found.unread) == (Rate(0, 1), Rate(2, 3), 1)


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ('{"reason": "", "better": "second"}', "second"),
        ('{"reason": "", "better": "third"}', None),
        ('{"better": "first"}', None),
        ("first", None),
        ("", None),
    ],
)
def test_a_choice_is_read_strictly(text: str, choice: str | None) -> None:
    """A form or nothing: free text is never searched for a word."""
    assert read_choice(Response("judge", text)) == choice


def test_both_answers_are_shown_in_their_order() -> None:
    """With the rubric as system message, and the question before them."""
    request = pair_request("judge", "Be kind.", Versus("one", "two", "Who?"))
    assert request.messages is not None
    system, user = request.messages
    assert system["content"] == "Be kind."
    text = str(user["content"])
    assert text.index("Who?") < text.index("one") < text.index("two")


def test_rates_are_told_by_variant() -> None:
    """A variant's are of its own labelled answers alone; answers without one are in the whole alone."""
    labelled = [Labelled("a", True, variant="ft"), Labelled("b", False, variant="ft"), Labelled("c", True)]
    found = agreement(labelled, [Grade(1.0, ""), Grade(1.0, ""), Grade(0.0, "")], 0.7)
    assert found.true_positives == Rate(1, 2)
    assert found.by_variant["ft"].tpr == Rate(1, 1)
    assert found.by_variant["ft"].tnr == Rate(0, 1)


@pytest.mark.skipif(not LLMBAR.exists(), reason=f"the recorded verdicts are not there: {LLMBAR}")
def test_gpt_4_s_two_orders_agree_as_recorded() -> None:
    """100 pairs, judged by GPT-4 in both orders: 95 and 96 right, kappa 0.897709 between the two."""
    before, after, right = recorded()
    found = places(before, after)
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx(0.897709, abs=5e-7)
    assert right == (95, 96)


def recorded() -> tuple[list[Choice | None], list[Choice | None], tuple[int, ...]]:
    """GPT-4's recorded choices in both orders, and how many of each were right."""
    data = json.loads((LLMBAR / "gpt4_vanilla.json").read_text("utf-8"))
    orders: list[list[Choice | None]] = []
    right = []
    for swap in ("False", "True"):
        verdicts = [each["results"][0][f"swap = {swap}"] for each in data]
        said = [verdict["completion"][0] for verdict in verdicts]
        orders.append(["first" if "(a)" in text else "second" for text in said])
        right.append(sum(v["winner"] == str(each["label"]) for v, each in zip(verdicts, data, strict=True)))
    return orders[0], orders[1], tuple(right)
