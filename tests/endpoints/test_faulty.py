"""What each way of going wrong is taken for: whether to try again, and whether it may have been billed."""

from __future__ import annotations

import asyncio

import pytest

from evalkit.endpoints.base import Request, Response
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import AskError
from tests import faulty
from tests.faulty import Fault, FaultyServer, faulty_server


def asked(server: FaultyServer, *, stream: bool, times: int = 1) -> list[Response | AskError]:
    """What comes of asking, several times one after the other."""

    async def ask() -> list[Response | AskError]:
        endpoint = OpenAIEndpoint("faulty", server.base_url, timeout_s=0.4, stream=stream)
        request = Request("m", "chat", ({"role": "user", "content": "oslo and rome"},))
        try:
            answers = [
                await asyncio.gather(endpoint.ask(request), return_exceptions=True) for _ in range(times)
            ]
        finally:
            await endpoint.close()
        return [answer for (answer,) in answers]  # type: ignore[misc]

    return asyncio.run(ask())


TAKEN_FOR = {
    faulty.rate_limited: "rate_limit_exceeded",
    faulty.rate_limited_until: "rate_limit_exceeded",
    faulty.status_500: "server_error",
    faulty.status_502: "http_502",
    faulty.status_503: "overloaded",
    faulty.redirect: "http_307",
    faulty.reset_before: "connection",
    faulty.reset_inside: "connection",
    faulty.silent: "timeout",
    faulty.html: "bad_response",
    faulty.truncated: "bad_response",
    faulty.no_choices: "bad_response",
    faulty.endless_drip: "timeout",
    faulty.invalid_utf8: "bad_response",
    faulty.huge: "too_large",
    faulty.no_http: "connection",
}
FINAL = ("http_307", "too_large")
STREAMED = {faulty.cut_inside: "connection", faulty.cut_in_order: "bad_response"}
WHOLE = {faulty.length_too_long: "connection", faulty.length_too_short: "connection"}
EACH = [
    *[(fault, stream, error) for fault, error in TAKEN_FOR.items() for stream in (False, True)],
    *[(fault, True, error) for fault, error in STREAMED.items()],
    *[(fault, False, error) for fault, error in WHOLE.items()],
]


@pytest.mark.parametrize(("fault", "stream", "error"), EACH)
def test_faults_that_leave_no_answer(fault: Fault, stream: bool, error: str) -> None:
    """The error has a type, and says whether to try again and whether it may have been billed."""
    with faulty_server(fault, share=1.0) as server:
        (outcome,) = asked(server, stream=stream)
        assert isinstance(outcome, AskError)
        assert outcome.type == error
        assert outcome.retryable == (error not in FINAL)
        assert outcome.possibly_billed == (server.given.total() == 1)
        assert outcome.retry_after_s == (0.05 if fault is faulty.rate_limited_until else None)


@pytest.mark.parametrize(
    ("fault", "stream"),
    [
        *[(fault, stream) for fault in (faulty.no_usage, faulty.drip) for stream in (False, True)],
        *[(fault, True) for fault in (faulty.twice, faulty.cut_before_usage, faulty.length_too_long)],
    ],
)
def test_faults_that_leave_an_answer(fault: Fault, stream: bool) -> None:
    """What was paid for is kept; what it took stays unknown where the server did not say."""
    with faulty_server(fault, share=1.0) as server:
        (outcome,) = asked(server, stream=stream)
        assert isinstance(outcome, Response)
        assert outcome.text == "OSLO AND ROME"
        unknown = fault in (faulty.no_usage, faulty.cut_before_usage)
        assert outcome.usage.completion_tokens == (None if unknown else 1)
        assert (outcome.ttft_ms is not None) == stream


def test_a_message_without_text_is_an_answer_without_text() -> None:
    """Null is no error, and no empty text."""
    with faulty_server(faulty.null_content, share=1.0) as server:
        for stream in (False, True):
            (outcome,) = asked(server, stream=stream)
            assert isinstance(outcome, Response)
            assert outcome.text is None


@pytest.mark.skipif(faulty.closed_port not in faulty.FAULTS, reason="needs Linux's packet filters")
def test_a_refused_connection_is_not_billed() -> None:
    """Nothing was sent."""
    with faulty_server(faulty.closed_port, share=1.0, closed_s=30.0) as server:
        answered, refused = asked(server, stream=False, times=2)
        assert isinstance(answered, Response)
        assert isinstance(refused, AskError)
        assert refused.type in ("connection", "timeout")  # the filter may drop what it should refuse
        assert (refused.retryable, refused.possibly_billed) == (True, False)


def test_a_streamed_answer_leaves_its_connection_in_use() -> None:
    """Its end is read, though nothing in it counts: a handshake for every answer would cost more."""
    with faulty_server() as server:
        assert all(isinstance(answer, Response) for answer in asked(server, stream=True, times=5))
        assert server.connections == 1
