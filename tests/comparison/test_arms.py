"""Four arms: what tuning brought, what the prompt brought, on the same cases and with an interval."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.arms import ALL, ARMS, EFFECTS, Arms, Design, Effect, arms_of, designs
from evalkit.run.records import Record
from evalkit.run.rows import row_of
from evalkit.stats import Pairs, pairs_of, tango

THREE = ARMS[:3]
State = bool | None


def effect(arms: Arms, after: str, before: str) -> Effect:
    """One that must be there."""
    found = arms.of(after, before)
    assert found is not None
    return found


def answers(make_record: Any, arm: str, *states: State, suite: str = "cities") -> list[Record]:
    """An answer a case, c0 and on; None could not be judged."""
    return [make_record(f"c{number}", arm, state, suite=suite) for number, state in enumerate(states)]


def test_each_effect_is_counted_on_the_same_cases(make_record: Any) -> None:
    """ft wins three cases of base and loses one; the prompt wins two; left over, it loses one of ft."""
    records = [
        *answers(make_record, "base", False, False, False, True, True),
        *answers(make_record, "prompted", True, True, False, True, True),
        *answers(make_record, "ft", True, True, True, False, True),
        *answers(make_record, "ft_prompted", True, True, True, False, False),
    ]
    (arms,) = arms_of(map(row_of, records), {"cities": Design(ARMS)}).values()
    assert effect(arms, "ft", "base").pairs == Pairs(5, 3, 1)
    assert effect(arms, "prompted", "base").pairs == Pairs(5, 2, 0)
    assert effect(arms, "ft_prompted", "ft").pairs == Pairs(5, 0, 1)
    assert effect(arms, "ft_prompted", "prompted").pairs == Pairs(5, 1, 2)
    assert effect(arms, "ft", "base").interval == tango(Pairs(5, 3, 1))
    assert effect(arms, "ft", "base").difference == pytest.approx(0.4)


def test_three_arms_tell_two_effects(make_record: Any) -> None:
    """Those whose both arms were asked, and no others."""
    records = [record for arm in THREE for record in answers(make_record, arm, True, False)]
    (arms,) = arms_of(map(row_of, records), {"cities": Design(THREE)}).values()
    assert [(each.after, each.before) for each in arms.effects] == [("ft", "base"), ("prompted", "base")]


def test_what_is_unknown_on_one_side_is_left_out_on_both(make_record: Any) -> None:
    """An undecided answer, one that never came and one that was not asked are counted apart, in no rate."""
    records = [
        *answers(make_record, "base", False, None, False, False),
        *answers(make_record, "prompted", True, True, True, True),
        *answers(make_record, "ft", True, True),
        make_record("c2", "ft", error="timeout"),
    ]
    (arms,) = arms_of(map(row_of, records), {"cities": Design(THREE)}).values()
    assert effect(arms, "ft", "base").pairs == Pairs(1, 1, 0)
    assert effect(arms, "ft", "base").left_out == 3
    assert effect(arms, "prompted", "base").pairs == Pairs(3, 3, 0)
    assert effect(arms, "prompted", "base").left_out == 1


def test_without_a_decided_case_there_is_no_difference(make_record: Any) -> None:
    """Not 0."""
    records = [record for arm in THREE for record in answers(make_record, arm, None)]
    (arms,) = arms_of(map(row_of, records), {"cities": Design(THREE)}).values()
    assert effect(arms, "ft", "base").difference is None
    assert effect(arms, "ft", "base").interval is None


def test_leaked_cases_do_not_count(make_record: Any) -> None:
    """What stands in the training data tells nothing of what tuning brought."""
    records = [*answers(make_record, "base", False, True), *answers(make_record, "prompted", True, True)]
    records += answers(make_record, "ft", True, True)
    (arms,) = arms_of(map(row_of, records), {"cities": Design(THREE, leaked={"c0"})}).values()
    assert effect(arms, "ft", "base").pairs == Pairs(1, 0, 0)


def test_several_suites_are_counted_together_case_by_case(make_record: Any) -> None:
    """The pairs of all suites are added up; a suite that lacks an arm is in none of that arm's effects."""
    records = [
        *answers(make_record, "base", False, False),
        *answers(make_record, "prompted", True, True),
        *answers(make_record, "ft", True, False),
        *(record for arm in ARMS for record in answers(make_record, arm, arm != "base", suite="rivers")),
    ]
    arms = arms_of(map(row_of, records), {"cities": Design(THREE), "rivers": Design(ARMS)})
    assert list(arms) == ["cities", "rivers", ALL]
    assert effect(arms[ALL], "ft", "base").pairs == Pairs(3, 2, 0)
    assert effect(arms[ALL], "ft_prompted", "ft").pairs == Pairs(1, 0, 0)


def test_repeats_of_a_case_are_one_observation(make_record: Any) -> None:
    """Three cases asked four times are three cases: the interval is not narrower than theirs."""
    records = [
        make_record(f"c{case}", arm, arm != "base" and (case, repeat) != (0, 0), repeat=repeat)
        for arm, case, repeat in product(THREE, range(3), range(4))
    ]
    (arms,) = arms_of(map(row_of, records), {"cities": Design(THREE, repeated=True)}).values()
    found = effect(arms, "ft", "base")
    assert found.pairs == Pairs(3, 2.75, 0)
    single = tango(Pairs(3, 2.75, 0))
    assert found.interval is not None
    assert single is not None
    assert found.interval.low <= single.low


def test_a_suite_with_groups_beside_one_without(make_record: Any) -> None:
    """All together: the groups of one, and the cases of the other, a unit each."""
    records = [
        record
        for arm, suite in product(THREE, ("cities", "rivers"))
        for record in answers(make_record, arm, arm != "base", True, arm == "ft", suite=suite)
    ]
    grouped = Design(THREE, groups={"c0": "north", "c1": "north"})
    arms = arms_of(map(row_of, records), {"cities": grouped, "rivers": Design(THREE)})
    assert effect(arms["cities"], "ft", "base").pairs == Pairs(2, 1.5, 0)
    assert effect(arms["rivers"], "ft", "base").pairs == Pairs(3, 2, 0)
    assert effect(arms[ALL], "ft", "base").pairs == Pairs(5, 3.5, 0)


states = st.lists(st.tuples(*(st.sampled_from((True, False, None)) for _ in ARMS)), max_size=12)


@given(found=states, order=st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(make_record: Any, found: list[Any], order: Any) -> None:
    """Whatever comes first, each effect counts what a list of cases shows."""
    rows = [
        row_of(make_record(f"c{case}", arm, state))
        for case, row in enumerate(found)
        for arm, state in zip(ARMS, row, strict=True)
    ]
    order.shuffle(rows)
    (arms,) = arms_of(rows, {"cities": Design(ARMS)}).values()
    for after, before in EFFECTS:
        places = ARMS.index(after), ARMS.index(before)
        known = [(row[places[0]], row[places[1]]) for row in found]
        decided = [pair for pair in known if None not in pair]
        expected = pairs_of([before for _, before in decided], [after for after, _ in decided])
        assert effect(arms, after, before).pairs == expected
        assert effect(arms, after, before).left_out == len(known) - len(decided)


def test_suites_of_which_two_arms_were_asked_are_left_out() -> None:
    """Two arms are what the table of figures and the gate show already."""
    plan = {
        "variants": {
            "cities": {name: {} for name in (*THREE, "v3")},
            "rivers": {name: {} for name in ("prompted", "ft")},
        },
        "repeat": 2,
    }
    assert designs({"plan": plan, "gate": {}}) == {"cities": Design(THREE, repeated=True)}
