"""Plans: every question once, in an order that the seed decides, whoever asks it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import NothingCollected
from evalkit.run.options import RunOptions
from evalkit.run.plan import Plan, make_plan, mark
from evalkit.suite import Case, Suite, Variant

plans = st.builds(
    lambda sizes, names, repeat, seed: make_plan(
        [suite_of(f"s{number}", size) for number, size in enumerate(sizes)],
        {f"s{number}": tuple(Variant(name, "m", "e") for name in names) for number in range(len(sizes))},
        RunOptions(repeat=repeat, seed=seed),
    ),
    st.lists(st.integers(1, 7), min_size=1, max_size=3),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=3, unique=True),
    st.integers(1, 3),
    st.integers(0, 5),
)


def suite_of(name: str, size: int) -> Suite:
    """A suite of so many cases."""
    return Suite(name, Path(name), tuple(Case(f"c{n}", "chat") for n in range(size)), ())


@given(plans)
def test_every_task_stands_in_it_once(plan: Plan) -> None:
    """Suites x cases x variants x repeats."""
    keys = Counter(task.key for task in plan)
    assert set(keys.values()) == {1}
    assert len(keys) == len(plan) == plan.whole


@given(plans)
def test_it_can_be_gone_through_again(plan: Plan) -> None:
    """In the same order."""
    assert [task.key for task in plan] == [task.key for task in plan]


@given(plans)
def test_a_cases_variants_stand_together(plan: Plan) -> None:
    """They are asked under the same load, and an interrupted run leaves pairs."""
    turns = [(suite, case, repeat) for suite, case, _, repeat in (task.key for task in plan)]
    changes = sum(one != other for one, other in pairwise(turns))
    assert changes + 1 == len(set(turns))


@given(plans, st.integers(1, 4))
def test_shares_are_the_whole(plan: Plan, of: int) -> None:
    """Several workers together ask each task once, each case's variants in the order of the whole."""
    shares = [[task.key for task in plan.part(number, of)] for number in range(of)]
    together = [key for share in shares for key in share]
    assert Counter(together) == Counter(task.key for task in plan)
    order = {key: place for place, key in enumerate(task.key for task in plan)}
    assert all(order[one] < order[other] for share in shares for one, other in pairwise(share))


@given(plans, st.data())
def test_what_is_done_is_left_out(plan: Plan, data: st.DataObject) -> None:
    """The rest stays in its order."""
    keys = [task.key for task in plan]
    done = data.draw(st.sets(st.sampled_from(keys)))
    rest = plan.without(frozenset(map(mark, done)))
    assert [task.key for task in rest] == [key for key in keys if key not in done]
    assert len(rest) == len(plan) - len(done)


def test_another_seed_is_another_order() -> None:
    """And another order of variants."""
    plan = make_plan(
        [suite_of("s", 30)], {"s": tuple(Variant(name, "m", "e") for name in "abc")}, RunOptions(seed=1)
    )
    other = [task.key for task in replace(plan, seed=2)]
    assert [task.key for task in plan] != other


def test_nothing_to_ask_is_an_error() -> None:
    """Exit 5."""
    with pytest.raises(NothingCollected):
        make_plan([suite_of("s", 3)], {"s": ()}, RunOptions())


def test_a_mark_is_the_same_in_every_process() -> None:
    """Workers are told what is done by it."""
    assert mark(("s", "c", "base", 0)) == 0x6C928D43361E6967
