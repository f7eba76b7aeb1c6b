"""How requests to one endpoint are held back: by its limits, in order, at no cost where there are none."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import Request
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.endpoints.quotas import duration_s, read_news
from evalkit.endpoints.throttle import Throttle, Turn
from evalkit.errors import AskError
from tests.endpoints.limited import AtOnce, Bucket, Limit, Tells, Window, leap
from tests.loopback import Json, Loopback, Reply, as_json, refused, said


@dataclass
class Seen:
    """When (s) the server let a request through, and when it refused one."""

    through: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)

    def use(self, limit: Limit, since: float, until: float) -> float:
        """The share of what the limit allows."""
        return sum(since <= at < until for at in self.through) / limit.let_through(until - since)

    def refused_share(self, since: float = 0.0) -> float:
        """Of all requests from then on."""
        away, through = (sum(at >= since for at in times) for times in (self.refused, self.through))
        return away / max(1, away + through)


class Server:
    """A limited server, on whatever clock the caller has."""

    def __init__(self, limit: Limit, tells: Tells):
        self.limit, self.tells, self.seen = limit, tells, Seen()

    def __call__(self, now: float) -> tuple[bool, Mapping[str, str]]:
        """Whether a request is let through, and the headers of the answer."""
        through = self.limit.take(now)
        (self.seen.through if through else self.seen.refused).append(now)
        if self.tells == "headers":
            return through, self.limit.headers(now)
        if self.tells == "retry-after" and not through:
            return through, {"retry-after": str(math.ceil(self.limit.opens_in_s(now)))}
        return through, {}


async def work(ask: Callable[[], Awaitable[float | None]], workers: int, seconds: float) -> None:
    """Ask over and over; a refusal (its wait in seconds) is waited for as the run's retries would."""

    async def worker() -> None:
        while True:
            wait_s = await ask()
            if wait_s is not None:
                await asyncio.sleep(wait_s)

    try:
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(worker() for _ in range(workers)))
    except TimeoutError:
        pass


async def simulated(server: Server, workers: int, seconds: float, service_s: float = 0.05) -> None:
    """Ask a server of figures, a millisecond or two away, on the leaping clock."""
    throttle, rng, loop = Throttle(), random.Random(7), asyncio.get_running_loop()

    async def ask() -> float | None:
        async with throttle.turn() as turn:
            await asyncio.sleep(rng.uniform(0.0005, 0.002))
            through, headers = server(loop.time())
            await asyncio.sleep(rng.uniform(0.0005, 0.002) + (service_s if through else 0))
            return heard(turn, through, headers)

    await work(ask, workers, seconds)


def heard(turn: Turn, through: bool, headers: Mapping[str, str]) -> float | None:
    """Tell the throttle; seconds to wait after a refusal."""
    turn.heard(headers)
    if through:
        return None
    told = headers.get("retry-after")
    turn.refused(float(told) if told else None)
    return float(told or 0.5)


@pytest.mark.parametrize(("per_s", "workers"), [(20, 64), (100, 16)])
@pytest.mark.parametrize("tells", ["headers", "retry-after", "nothing"])
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda per_s: Bucket(per_s, 5), id="small-bucket"),
        pytest.param(lambda per_s: Bucket(per_s, per_s), id="bucket"),
        pytest.param(lambda per_s: Bucket(per_s, 10 * per_s), id="large-bucket"),
    ],
)
def test_a_bucket_is_used_up_and_hardly_overdrawn(
    make: Callable[[float], Limit], tells: Tells, per_s: float, workers: int
) -> None:
    """Once the limit was met: 90% of what it allows, and under 2% of the requests refused."""
    server = Server(make(per_s), tells)
    leap(simulated(server, workers, 30))
    assert server.seen.use(server.limit, 12, 30) >= 0.9
    assert server.seen.refused_share(since=5) < 0.02


@pytest.mark.parametrize(("per_s", "workers"), [(20, 64), (100, 16)])
@pytest.mark.parametrize("tells", ["headers", "retry-after", "nothing"])
def test_so_is_a_window(tells: Tells, per_s: float, workers: int) -> None:
    """Learned in 10 s: a window refuses nothing until it is used up, and then all."""
    server = Server(Window(per_s, 1.0), tells)
    leap(simulated(server, workers, 40))
    assert server.seen.use(server.limit, 10, 40) >= 0.9
    assert server.seen.refused_share(since=10) < 0.02


@pytest.mark.parametrize("most", [4, 16])
def test_a_server_that_bears_so_many_at_once_is_sent_so_many(most: int) -> None:
    """Whatever the number of workers."""
    server = Server(AtOnce(most, 0.05), "nothing")
    leap(simulated(server, 64, 30))
    assert server.seen.use(server.limit, 10, 30) >= 0.85
    assert server.seen.refused_share(since=10) < 0.02


@pytest.mark.parametrize(("share", "most_s"), [(0.02, 30), (0.2, 60)])
def test_refusals_that_have_nothing_to_do_with_the_pace_hardly_slow_it(share: float, most_s: float) -> None:
    """A server that refuses at random: 5,000 answers of 50 ms by 16 workers take 17 s where it does not."""
    seen, throttle, rng = Seen(), Throttle(), random.Random(5)

    async def worker() -> None:
        while len(seen.through) < 5000:
            async with throttle.turn() as turn:
                through = rng.random() >= share
                await asyncio.sleep(0.05 if through else 0.002)
                (seen.through if through else seen.refused).append(0.0)
                wait_s = heard(turn, through, {})
            await asyncio.sleep(0.05 if wait_s else 0)

    async def course() -> float:
        await asyncio.gather(*(worker() for _ in range(16)))
        return asyncio.get_running_loop().time()

    assert leap(course()) <= most_s


def test_headers_keep_all_requests_from_being_refused() -> None:
    """From the first burst on: what is left is never overdrawn."""
    server = Server(Bucket(20, 100), "headers")
    leap(simulated(server, 64, 30))
    assert not server.seen.refused


def test_a_limit_that_was_raised_is_found() -> None:
    """Four times the pace, within half a minute."""
    limit = Bucket(20, 5)
    server = Server(limit, "nothing")

    async def course() -> None:
        asyncio.get_running_loop().call_at(20, setattr, limit, "per_s", 80)
        await simulated(server, 64, 60)

    leap(course())
    assert server.seen.use(limit, 50, 60) >= 0.9


def test_tokens_count_too() -> None:
    """Requests are plenty, tokens are not: 500 a request, 10,000 a second."""
    tokens, seen = Window(10_000, 1.0), Seen()
    throttle = Throttle()

    async def ask() -> float | None:
        async with throttle.turn() as turn:
            now = asyncio.get_running_loop().time()
            through = all(tokens.take(now) for _ in range(500))
            (seen.through if through else seen.refused).append(now)
            await asyncio.sleep(0.02)
            names = {k.replace("requests", "tokens"): v for k, v in tokens.headers(now).items()}
            plenty = {"limit": "10000", "remaining": "9999", "reset": "6ms"}
            return heard(
                turn, through, {**names, **{f"x-ratelimit-{k}-requests": v for k, v in plenty.items()}}
            )

    leap(work(ask, 16, 30))
    assert sum(at >= 5 for at in seen.through) / (25 * 20) >= 0.9
    assert seen.refused_share(since=1) < 0.02


@pytest.mark.parametrize(("left", "least_s", "most_s"), [("5000", 0, 10), ("0", 60, 70)])
def test_a_day_s_quota_is_not_spread_over_the_day(left: str, least_s: float, most_s: float) -> None:
    """Of 5,000 left for 12 hours 200 are asked at once; where none is left, one is tried each minute."""
    names = {"limit": "10000", "remaining": left, "reset": "12h0m0s"}
    headers = {f"x-ratelimit-{name}-requests": text for name, text in names.items()}

    async def course() -> float:
        throttle = Throttle()
        for _ in range(200 if left != "0" else 2):
            async with throttle.turn() as turn:
                turn.heard(headers)
        return asyncio.get_running_loop().time()

    assert least_s <= leap(course()) <= most_s


def test_a_told_wait_of_seconds_closes_the_endpoint() -> None:
    """Nothing at all is sent before it is over."""

    async def course() -> list[float]:
        throttle, begun = Throttle(), []
        async with throttle.turn() as turn:
            turn.heard({})
            turn.refused(40.0)
        for _ in range(3):
            async with throttle.turn():
                begun.append(asyncio.get_running_loop().time())
        return begun

    assert min(leap(course())) >= 40


def test_turns_are_taken_in_order_and_never_more_than_configured() -> None:
    """First come, first served, also past one who gave up waiting."""

    async def course() -> tuple[list[int], int]:
        throttle, order, most, under_way = Throttle(2), [], 0, 0

        async def one(number: int) -> None:
            nonlocal most, under_way
            async with throttle.turn():
                order.append(number)
                under_way += 1
                most = max(most, under_way)
                await asyncio.sleep(1)
                under_way -= 1

        tasks = [asyncio.create_task(one(number)) for number in range(7)]
        await asyncio.sleep(0.5)
        tasks[3].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return order, most

    assert leap(course()) == ([0, 1, 2, 4, 5, 6], 2)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 3)), min_size=1, max_size=12))
def test_no_place_is_lost_to_cancelling(times: list[tuple[float, float]]) -> None:
    """Whoever is cancelled, waiting or under way or at the very moment of beginning, gives the place back."""

    async def course() -> None:
        throttle = Throttle(2)

        async def one(begins: float) -> None:
            await asyncio.sleep(begins)
            async with throttle.turn() as turn:
                await asyncio.sleep(1)
                turn.heard({})

        loop, tasks = asyncio.get_running_loop(), []
        for begins, cancelled in times:
            tasks.append(asyncio.create_task(one(begins)))
            loop.call_at(cancelled, tasks[-1].cancel)
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(1), throttle.turn(), throttle.turn():
            pass

    leap(course())


@pytest.mark.parametrize("bad", ["", "soon", "nan", "-1s", "1s2", "inf", "1e999"])
def test_headers_that_make_no_sense_are_left_aside(bad: str) -> None:
    """A proxy may send anything; the request is not harmed by it."""
    headers = {f"x-ratelimit-{name}-requests": "5" for name in ("limit", "remaining")}
    assert not list(read_news({**headers, "x-ratelimit-reset-requests": bad}))
    assert not list(read_news({"x-ratelimit-remaining-tokens": bad}))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1s", 1), ("6m0s", 360), ("20ms", 0.02), ("1h2m3.5s", 3723.5), ("2d", 172_800), ("7", 7)],
)
def test_durations_are_read_as_openai_writes_them(text: str, seconds: float) -> None:
    """And as bare seconds."""
    assert duration_s(text) == pytest.approx(seconds)


def test_an_endpoint_without_limits_costs_next_to_nothing() -> None:
    """3 us is aimed at and measured on an idle machine; ten times that is a fault on any."""

    async def course() -> float:
        throttle, headers = Throttle(), {"content-type": "application/json"}
        began = time.perf_counter()
        for _ in range(20_000):
            async with throttle.turn() as turn:
                turn.heard(headers)
        return (time.perf_counter() - began) / 20_000

    assert asyncio.run(course()) < 30e-6


@pytest.mark.slow
@pytest.mark.parametrize(
    ("limit", "tells", "workers", "learned_s"),
    [
        pytest.param(Bucket(100, 100), "headers", 64, 1, id="bucket-headers-64"),
        pytest.param(Window(100, 1.0), "headers", 16, 1, id="window-headers-16"),
        pytest.param(Bucket(100, 20), "retry-after", 16, 3, id="bucket-retry-after-16"),
        pytest.param(Bucket(100, 20), "nothing", 64, 3, id="bucket-nothing-64"),
        pytest.param(AtOnce(8, 0.05), "nothing", 16, 3, id="eight-at-once-16"),
    ],
)
def test_real_servers_are_used_as_much(
    loopback: Loopback, limit: Limit, tells: Tells, workers: int, learned_s: float
) -> None:
    """Over HTTP, through the endpoint, from when the limit was learned."""
    seen = asyncio.run(asked(loopback, limit, tells, workers, learned_s + 4))
    assert seen.use(limit, learned_s, learned_s + 4) >= 0.9
    assert seen.refused_share(since=learned_s) < 0.02


async def asked(loopback: Loopback, limit: Limit, tells: Tells, workers: int, seconds: float) -> Seen:
    """What a real server saw that was asked by so many workers for so long."""
    server, began = Server(limit, tells), time.monotonic()

    def rule(_: Json) -> Reply:
        through, headers = server(time.monotonic() - began)
        answer = said("yes") if through else refused(429, "rate_limit_exceeded")
        service_s = limit.service_s if isinstance(limit, AtOnce) else 0.02
        return Reply(answer.status, answer.body, {**answer.headers, **headers}, None, service_s * through)

    loopback.rule = rule
    endpoint = OpenAIEndpoint("limited", loopback.base_url, use_proxy=False)
    request = Request("m", "chat", ({"role": "user", "content": "Well?"},))

    async def ask() -> float | None:
        try:
            await endpoint.ask(request)
        except AskError as error:
            return 0.5 if error.retry_after_s is None else error.retry_after_s
        return None

    await work(ask, workers, seconds)
    await endpoint.close()
    return server.seen


def test_headers_of_refusals_are_heard_too(loopback: Loopback) -> None:
    """A 429 with OpenAI's headers holds the next request back until there is something left."""

    async def course() -> float:
        endpoint = OpenAIEndpoint("limited", loopback.base_url, use_proxy=False)
        with pytest.raises(AskError):
            await endpoint.ask(Request("m", "chat", ({"role": "user", "content": "?"},)))
        began = time.monotonic()
        await endpoint.ask(Request("m", "chat", ({"role": "user", "content": "?"},)))
        await endpoint.close()
        return time.monotonic() - began

    headers = {"x-ratelimit-limit-requests": "1", "x-ratelimit-remaining-requests": "0"}
    empty = {**headers, "x-ratelimit-reset-requests": "400ms"}
    error = {"error": {"message": "slow down", "code": "rate_limit_exceeded"}}
    replies = [said("yes"), as_json(error, 429, **{name.replace("-", "_"): v for name, v in empty.items()})]
    loopback.rule = lambda _: replies.pop()
    assert asyncio.run(course()) >= 0.3
