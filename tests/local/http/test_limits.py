"""Rate limits: real ones, told in OpenAI's headers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai import RateLimitError

from evalkit.local.http.errors import ApiError
from evalkit.local.http.limits import GENEROUS, RateLimits, Rates, duration
from tests.local.serving import HELLO, Server, running


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="module")
def limited(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that answers three requests a minute."""
    with running(checkpoint, tmp_path_factory.mktemp("limited"), "--rate-limit=3,100000") as server:
        yield server


def test_the_fourth_request_is_refused(limited: Server) -> None:
    """The figures count down to a 429 with the time to wait; other paths are not counted."""
    left = []
    for _ in range(3):
        answer = limited.send("POST", "/chat/completions", json=HELLO)
        left.append(int(answer.headers["x-ratelimit-remaining-requests"]))
        assert answer.headers["x-ratelimit-limit-tokens"] == "100000"
    assert left == [2, 1, 0]
    refused = limited.send("POST", "/completions", json={"model": "evalkit-tiny", "prompt": "x"})
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    with limited.client() as client, pytest.raises(RateLimitError) as refusal:
        client.chat.completions.create(**HELLO)
    assert (refusal.value.code, refusal.value.type) == ("rate_limit_exceeded", "requests")
    assert limited.send("GET", "/models").status_code == 200


def test_budgets_fill_up_steadily() -> None:
    """After a third of a minute a third of the budget is back, and never more than all of it."""
    clock = Clock()
    limits = RateLimits(Rates(requests=3, tokens=10**6), clock)
    for _ in range(3):
        limits.admit(0)
    with pytest.raises(ApiError, match=r"Limit 3, Used 3, Requested 1\. Please try again in 20s\."):
        limits.admit(0)
    clock.now += 20
    limits.admit(0)
    clock.now += 1000
    assert limits.headers()["x-ratelimit-remaining-requests"] == "3"
    assert limits.headers()["x-ratelimit-reset-requests"] == "0s"


def test_a_refused_request_costs_nothing() -> None:
    """Where the tokens do not suffice, the request is not counted either."""
    limits = RateLimits(Rates(requests=10, tokens=100), Clock())
    limits.admit(300)
    with pytest.raises(ApiError, match="tokens per min") as refusal:
        limits.admit(300)
    assert refusal.value.headers is not None
    assert refusal.value.headers["retry-after"] == "30"
    assert limits.headers()["x-ratelimit-remaining-requests"] == "9"


def test_what_can_never_pass_is_not_to_be_tried_again() -> None:
    """A request beyond the whole budget has no time to wait, and tells the client not to."""
    with pytest.raises(ApiError, match=r"Request too large on tokens per min \(TPM\)") as refusal:
        RateLimits(Rates(requests=10, tokens=100), Clock()).admit(404)
    assert refusal.value.headers == {"x-should-retry": "false"}


def test_the_defaults_are_beyond_what_runs_ask() -> None:
    """A thousand requests at once, more than `evalkit run` has under way, are let through."""
    limits = RateLimits(GENEROUS, Clock())
    for _ in range(1000):
        limits.admit(10_000)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0201, "21ms"),
        (1, "1s"),
        (1.5, "1.5s"),
        (59.9999, "1m0s"),
        (60, "1m0s"),
        (362.25, "6m2.25s"),
    ],
)
def test_durations_are_spelled_as_openai_spells_them(seconds: float, text: str) -> None:
    """As in the documentation of its rate-limit headers: `1s`, `6m0s`."""
    assert duration(seconds) == text


@given(st.floats(0, 1e6))
def test_durations_keep_their_value(seconds: float) -> None:
    """Read back, a duration is the time that was written, rounded up to a millisecond."""
    text = duration(seconds)
    if text.endswith("ms"):
        value = float(text[:-2]) / 1000
    else:
        minutes, _, rest = text[:-1].rpartition("m")
        value = 60 * float(minutes or 0) + float(rest)
    assert seconds - 1e-6 <= value <= seconds + 0.001 + 1e-6
