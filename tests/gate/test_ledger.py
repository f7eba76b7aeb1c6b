"""Looking again at a candidate is not free."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.config.looks import Look
from evalkit.gate.ledger import allowance
from evalkit.gate.schedule import Schedule, looks_at


def look(**fields: Any) -> Look:
    """A first look that was inconclusive; name what differs."""
    usual = {
        "suite": "cities", "candidate": "ft", "baseline": "base", "data": "1", "rules": "r", "cases": 60,
        "margin": 0.05, "alpha": 0.05, "level": 0.05, "spent": 0.05, "word": "inconclusive", "run": "one",
        "at": "2026-11-22T08:00:00+00:00",
    }  # fmt: skip
    return Look(**{**usual, **fields})


def test_a_first_look_has_all_of_alpha() -> None:
    """And nothing to remark."""
    found = allowance([], look())
    assert (found.level, found.spent, found.labels) == (0.05, 0.05, ())


def test_topping_up_has_nothing_left() -> None:
    """More data after an inconclusive look is a second look, and the first has used all of alpha."""
    found = allowance([look()], look(data="2", cases=120))
    assert found.level == 0
    assert "alpha was spent in one (60 pairs)" in found.labels[0]


@pytest.mark.parametrize("word", ["inconclusive", "dont_ship"])
def test_the_same_data_is_the_same_look(word: str) -> None:
    """Deciding again on the same answers, from the cache or after a crash, costs nothing."""
    assert allowance([look(word=word)], look()).level == 0.05


def test_after_a_ship_the_next_look_is_a_first_one() -> None:
    """A candidate that was let through may be watched for as long as it is used."""
    assert allowance([look(word="ship")], look(data="2")).level == 0.05


def test_a_greater_alpha_leaves_the_rest_and_is_labelled() -> None:
    """Who allows 10% after 5% were spent has 5% left; that it was set after the data was seen is told."""
    found = allowance([look()], look(data="2", alpha=0.1))
    assert found.level == pytest.approx(0.05)
    assert found.spent == pytest.approx(0.1)
    assert found.labels == ("post hoc: alpha 0.1 was set after the data was seen (it was 0.05)",)


def test_a_margin_changed_after_the_data_was_seen_is_labelled() -> None:
    """The same data with another margin is decided, but not as if it had been planned."""
    found = allowance([look()], look(margin=0.1))
    assert found.level == 0.05
    assert found.labels == ("post hoc: margin 0.1 was set after the data was seen (it was 0.05)",)


def test_a_changed_suite_is_labelled() -> None:
    """Checks that were mended after the answers were seen may have been mended to suit them."""
    found = allowance([look()], look(rules="other"))
    assert found.labels == ("post hoc: the suite was changed after its data was first seen",)


def test_planned_looks_share_alpha() -> None:
    """Four looks of one run together spend what there is, and none is charged for the others twice."""
    before: list[Look] = []
    sizes = looks_at(240)
    for number, cases in enumerate(sizes):
        now = look(data=str(number), cases=cases, run="planned")
        found = allowance(before, now, Schedule(sizes, number))
        before.append(look(data=str(number), run="planned", level=found.level, spent=found.spent))
    assert [round(each.level, 4) for each in before] == [0.0001, 0.0055, 0.0219, 0.0427]
    assert before[-1].spent == pytest.approx(0.05)
    assert allowance(before, look(data="more", run="again")).level == 0


def test_planned_looks_after_a_look_have_what_it_left() -> None:
    """Nothing: who looked once without a plan cannot make one afterwards."""
    assert allowance([look()], look(data="2", run="planned"), Schedule((60, 120), 0)).level == 0


def test_a_plan_that_was_broken_off_leaves_the_rest() -> None:
    """After one of two planned looks, a new run has what that look did not spend."""
    first = allowance([], look(run="planned"), Schedule((60, 120), 0))
    before = [look(run="planned", level=first.level, spent=first.spent)]
    assert allowance(before, look(data="2", run="again")).level == pytest.approx(0.05 - first.spent)


def test_looks_see_more_each_time() -> None:
    """Of few cases there are fewer looks."""
    assert looks_at(240) == (60, 120, 180, 240)
    assert looks_at(3) == (1, 2, 3)
    assert looks_at(1) == (1,)
