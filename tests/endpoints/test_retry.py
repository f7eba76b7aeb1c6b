"""Retries: which errors are tried again, how long is waited, what is counted."""

from __future__ import annotations

import asyncio
import time

from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import Request
from evalkit.endpoints.dropped import Dropped, told
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.endpoints.retry import Attempted, Patience, RetryPolicy, ask_patiently
from tests.loopback import Json, Loopback, Reply, refused, said

HELLO = Request("loop", "chat", messages=({"role": "user", "content": "hello"},))
QUICK = RetryPolicy(attempts=3, first_wait_s=0.01)


class Faulty:
    """A rule that gives these replies in turn, then answers."""

    def __init__(self, *replies: Reply):
        self.replies = list(replies)

    def __call__(self, _: Json) -> Reply:
        return self.replies.pop(0) if self.replies else said("hello")


def tried(
    server: Loopback, policy: RetryPolicy = QUICK, patience: Patience | None = None
) -> tuple[Attempted, list[str]]:
    """What comes of asking, and the notes that were made meanwhile."""
    notes: list[str] = []

    async def asked() -> Attempted:
        endpoint = OpenAIEndpoint("loop", server.base_url, use_proxy=False)
        try:
            return await ask_patiently(endpoint, HELLO, policy, notes.append, patience)
        finally:
            await endpoint.close()

    return asyncio.run(asked()), notes


def test_passing_faults_are_tried_again_and_counted(loopback: Loopback) -> None:
    """A 500 and a body cut short do not lose the answer; both tries are counted."""
    loopback.rule = Faulty(refused(500, "server_error"), Reply(200, said("hello").body, cut=10))
    got, _ = tried(loopback)
    assert got.response is not None
    assert (got.response.text, got.attempts, got.error) == ("hello", 3, None)


def test_the_last_error_is_told_when_the_tries_are_used_up(loopback: Loopback) -> None:
    """After `attempts` tries the error stands."""
    loopback.rule = lambda _: refused(503, "overloaded")
    got, _ = tried(loopback)
    assert got.error is not None
    assert (got.response, got.error.type, got.attempts) == (None, "overloaded", 3)
    assert len(loopback.questions) == 3


def test_a_model_that_was_just_made_is_waited_for(loopback: Loopback) -> None:
    """404, 503, 404: more tries than others get, told of once; the answer counts."""
    absent = refused(404, "model_not_found")
    loopback.rule = Faulty(absent, refused(503, "overloaded"), *[absent] * 3)
    got, notes = tried(loopback, patience=Patience([HELLO.model]))
    assert got.response is not None
    assert got.attempts == 6 > QUICK.attempts
    assert notes == ["loop was just made and is not ready (model_not_found): waiting up to 600 s"]


def test_waiting_for_a_new_model_has_an_end(loopback: Loopback) -> None:
    """One time for all requests together: the next one need not wait again."""
    loopback.rule = lambda _: refused(404, "model_not_found")
    patience = Patience([HELLO.model], within_s=0.1)
    got, _ = tried(loopback, patience=patience)
    assert got.error is not None
    assert got.attempts > 1
    assert tried(loopback, patience=patience)[0].attempts == 1


def test_a_model_that_has_answered_is_new_no_more(loopback: Loopback) -> None:
    """Afterwards 404 means that it was deleted; so it does for a model that nobody just made."""
    patience = Patience([HELLO.model])
    assert tried(loopback, patience=patience)[0].response is not None
    loopback.rule = lambda _: refused(404, "model_not_found")
    assert tried(loopback, patience=patience)[0].attempts == 1
    assert tried(loopback, patience=Patience(["another"]))[0].attempts == 1


def test_an_error_that_stays_is_not_tried_again(loopback: Loopback) -> None:
    """A bad request, a wrong key and a used-up quota cost one try each."""
    for reply in (refused(400, "bad"), refused(401, "invalid_api_key"), refused(429, "insufficient_quota")):
        loopback.asked.clear()
        loopback.rule = lambda _, reply=reply: reply  # type: ignore[misc]
        got, _ = tried(loopback)
        assert got.attempts == len(loopback.questions) == 1


def test_retry_after_is_honoured(loopback: Loopback) -> None:
    """The server's wish is waited out, though our own wait would be shorter."""
    loopback.rule = Faulty(refused(429, "rate_limit_exceeded", retry_after="0.4"))
    began = time.perf_counter()
    got, _ = tried(loopback)
    assert time.perf_counter() - began >= 0.4
    assert got.attempts == 2


def test_latency_is_the_last_try_s(loopback: Loopback) -> None:
    """Waiting and failed tries are not the model's latency."""
    loopback.rule = Faulty(refused(429, "rate_limit_exceeded", retry_after="0.3"))
    got, _ = tried(loopback)
    assert got.response is not None
    assert got.response.latency_ms is not None
    assert got.response.latency_ms < 300


def test_a_long_wait_is_told(loopback: Loopback) -> None:
    """A server that wants minutes would look like a run that hangs."""
    loopback.rule = Faulty(refused(429, "rate_limit_exceeded", retry_after="300"))
    notes: list[str] = []

    async def given_up() -> None:
        endpoint = OpenAIEndpoint("loop", loopback.base_url, use_proxy=False)
        asking = asyncio.create_task(ask_patiently(endpoint, HELLO, QUICK, notes.append))
        while not notes:
            await asyncio.sleep(0.01)
        asking.cancel()
        await asyncio.wait([asking])
        await endpoint.close()

    asyncio.run(asyncio.wait_for(given_up(), 10))
    assert notes[0].startswith("loop: rate_limit_exceeded; trying again in 3")


@given(attempt=st.integers(1, 60), asked_s=st.none() | st.floats(0, 1e6))
def test_waits_stay_in_their_bounds(attempt: int, asked_s: float | None) -> None:
    """Our own wait doubles up to its limit; the server's is never cut short, and at most a tenth longer,
    unless it is shorter than our first."""
    policy = RetryPolicy()
    wait_s = policy.wait_s(attempt, asked_s)
    if not asked_s:
        full_s = min(policy.longest_wait_s, policy.first_wait_s * 2.0 ** (attempt - 1))
        assert full_s / 2 <= wait_s <= full_s
    else:
        assert asked_s <= wait_s <= max(asked_s * 1.1 + 1e-9, policy.first_wait_s)


@given(st.sampled_from([0.0, 0.001]), st.integers(1, 5))
def test_a_time_that_has_passed_does_not_shorten_the_wait(asked_s: float, attempt: int) -> None:
    """Retry-After: 0, or a date that another clock is past: the first wait at least."""
    assert RetryPolicy(first_wait_s=0.5).wait_s(attempt, asked_s) >= 0.25


def test_cancelled_it_tells_what_may_have_been_charged(loopback: Loopback) -> None:
    """One try broke off, the next was under way: two; while it only waits for the next try: the first."""
    torn = Reply(200, said("hello").body, cut=10)

    async def course(second: Reply, policy: RetryPolicy) -> Dropped | None:
        loopback.rule = Faulty(torn, second)
        endpoint = OpenAIEndpoint("loop", loopback.base_url, use_proxy=False)
        asking = asyncio.create_task(ask_patiently(endpoint, HELLO, policy, print))
        asked = len(loopback.questions) + (2 if policy is QUICK else 1)
        while len(loopback.questions) < asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        asking.cancel()
        try:
            await asking
        except asyncio.CancelledError as cancelled:
            return told(cancelled)
        finally:
            await endpoint.close()
        return None

    late = Reply(200, said("hello").body, delay_s=60)
    assert asyncio.run(course(late, QUICK)) == Dropped(2, 2)
    assert asyncio.run(course(late, RetryPolicy(first_wait_s=60))) == Dropped(1, 1)
