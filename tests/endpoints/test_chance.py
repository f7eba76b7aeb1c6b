"""Refusals by chance are waited out by nobody; those of a limit are heeded."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from evalkit.endpoints.chance import Chance
from evalkit.endpoints.limits import Sent
from evalkit.endpoints.throttle import Throttle


async def ask_all(share: float, requests: int, workers: int) -> int:
    """Ask a server that refuses by chance, again and again until each is let through; how many refusals."""
    throttle, rng, refusals = Throttle(), random.Random(1), 0

    async def worker(turns: range) -> None:
        nonlocal refusals
        for _ in turns:
            while True:
                async with throttle.turn() as turn:
                    await asyncio.sleep(0.002)
                    turn.heard({})
                    if rng.random() >= share:
                        break
                    turn.refused(None)
                    refusals += 1

    await asyncio.gather(*(worker(range(requests // workers)) for _ in range(workers)))
    return refusals


@pytest.mark.parametrize("share", [0.005, 0.02, 0.1, 0.2])
def test_chance_does_not_slow_a_run_down(share: float) -> None:
    """Thousands of requests of which some are refused whatever the pace take seconds, not minutes."""
    began = time.perf_counter()
    refusals = asyncio.run(ask_all(share, 3000, 64))
    assert refusals > 0.7 * share * 3000
    assert time.perf_counter() - began < 8


def sent(number: int) -> Sent:
    """A request."""
    return Sent(number, 0.0, 1)


def told(chance: Chance, first: int, outcomes: list[bool], under_way: int = 0) -> int:
    """Tell what came of one request after the other, so many being under way; the number of the next."""
    for number, refused in enumerate(outcomes, first):
        if refused:
            chance.refused(sent(number), number + under_way)
        else:
            chance.answered(sent(number))
    return first + len(outcomes)


def test_where_holding_back_helps_it_goes_on() -> None:
    """One in a hundred is still refused, by probing: no chance."""
    chance = Chance()
    after = told(chance, 1, [False] * 50 + [True] * 30, under_way=30)
    told(chance, after, ([False] * 99 + [True]) * 60)
    assert not chance.by_chance


def test_where_it_does_not_help_it_ends_and_begins_again_when_a_limit_shows() -> None:
    """As many refused as before: by chance. Nearly all refused then: a limit after all."""
    chance, rng = Chance(), random.Random(3)
    after = told(chance, 1, [rng.random() < 0.2 for _ in range(500)])
    assert chance.by_chance
    after = told(chance, after, [rng.random() < 0.2 for _ in range(2000)])
    assert chance.by_chance
    told(chance, after, [True] * 60)
    assert not chance.by_chance
