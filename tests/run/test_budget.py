"""The cap on spending."""

from __future__ import annotations

import asyncio
import multiprocessing
from multiprocessing.synchronize import Barrier

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import BudgetReached
from evalkit.run.budget import Budget


async def spend(budget: Budget, held_back: float, usd: float | None, seconds: float = 0.0) -> None:
    """One request that may cost so much, and in the end costs so much."""
    async with budget.reserve(held_back) as spending:
        await asyncio.sleep(seconds)
        spending.usd = usd


async def spend_all(budget: Budget, requests: list[tuple[float, float]]) -> int:
    """All at once, as (held back, cost); how many were made before the cap."""
    asked = [spend(budget, *request, seconds=0.001) for request in requests]
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert all(end is None or isinstance(end, BudgetReached) for end in ends)
    return ends.count(None)


def test_what_is_under_way_is_waited_for() -> None:
    """The second could pass the cap if the first cost all that it holds back, which it does not."""

    async def course() -> float:
        budget = Budget(1.0)
        await asyncio.wait_for(spend_all(budget, [(0.7, 0.1), (0.7, 0.1), (0.7, 0.1)]), 5)
        return budget.spent_usd

    assert asyncio.run(course()) == pytest.approx(0.3)


def test_what_nothing_under_way_could_make_room_for_is_refused_at_once() -> None:
    """Also while something is under way: the message says how it stands."""

    async def course() -> None:
        budget = Budget(1.0)
        await spend(budget, 0.9, 0.8)
        async with budget.reserve(0.1):
            with pytest.raises(BudgetReached, match=r"\$0\.80 spent; .* \$0\.3000, .*--max-cost is 1\.00"):
                await spend(budget, 0.3, 0.3)

    asyncio.run(course())


def test_the_true_cost_takes_the_place_of_the_expected_one() -> None:
    """What was held back and not spent is free again."""

    async def course() -> float:
        budget = Budget(1.0)
        for _ in range(9):
            await spend(budget, 0.9, 0.01)
        return budget.spent_usd

    assert asyncio.run(course()) == pytest.approx(0.09)


def test_a_failed_request_costs_nothing_and_holds_nothing_back() -> None:
    """An exception inside gives the reservation back; so does being cancelled while waiting."""

    async def course() -> float:
        budget = Budget(1.0)
        with pytest.raises(KeyError):
            async with budget.reserve(1.0):
                raise KeyError
        async with budget.reserve(1.0):
            waiting = asyncio.create_task(spend(budget, 1.0, 1.0))
            await asyncio.sleep(0)
            waiting.cancel()
        await asyncio.wait_for(spend(budget, 1.0, 0.0), 5)
        return budget.spent_usd

    assert asyncio.run(course()) == 0


def test_what_may_have_been_billed_counts_as_it_was_held_back() -> None:
    """Two attempts timed out, the third brought the answer."""

    async def course() -> float:
        budget = Budget(1.0)
        async with budget.reserve(0.2) as spending:
            spending.usd, spending.possibly_billed = 0.15, 2
        return budget.spent_usd

    assert asyncio.run(course()) == pytest.approx(0.55)


def test_another_try_is_held_back_anew() -> None:
    """Each try that may have been charged is spent; where the next could pass the cap there is none."""

    async def course() -> tuple[list[bool], float]:
        budget = Budget(1.0)
        async with budget.reserve(0.4) as spending:
            allowed = [await spending.again(), await spending.again()]
        return allowed, budget.spent_usd

    allowed, spent_usd = asyncio.run(course())
    assert allowed == [True, False]
    assert spent_usd == pytest.approx(0.8)


def test_tokens_are_counted_near_the_cap_alone() -> None:
    """Far below it a bound will do; where the bound would pass it, the count decides."""
    counted: list[float] = []

    def exact() -> float:
        counted.append(0.1)
        return 0.1

    async def course() -> list[int]:
        budget, seen = Budget(1.0), []
        for _ in range(8):
            async with budget.reserve(0.4, exact) as spending:
                spending.usd = 0.1
            seen.append(len(counted))
        return seen

    assert asyncio.run(course()) == [0, 0, 0, 0, 0, 0, 0, 1]


def test_the_unknown_is_not_refused() -> None:
    """Without a price (the user lifted the cap, or owns the server) there is nothing to hold back."""
    asyncio.run(spend(Budget(0.0), 0.0, None))


@given(cap=st.floats(0, 10), costs=st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1)), max_size=30))
def test_the_cap_is_never_passed_and_nobody_waits_for_ever(
    cap: float, costs: list[tuple[float, float]]
) -> None:
    """Whatever is asked, all at once, where nothing costs more than was held back for it."""
    budget = Budget(cap)
    requests = [(held, held * share) for held, share in costs]
    asyncio.run(asyncio.wait_for(spend_all(budget, requests), 20))
    assert budget.spent_usd <= cap * (1 + 1e-9)


def _spend_in_a_process(budget: Budget, together: Barrier) -> None:
    together.wait()
    asyncio.run(spend_all(budget, [(0.3, 0.1)] * 20))


def test_processes_share_one_budget() -> None:
    """Three at once, started anew (spawn): a request waits for another process's, and the cap holds."""
    budget, context = Budget(2.0, shared=True), multiprocessing.get_context("spawn")
    together = context.Barrier(3)
    processes = [context.Process(target=_spend_in_a_process, args=(budget, together)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
        assert process.exitcode == 0
    assert 1.7 < budget.spent_usd <= 2.0
