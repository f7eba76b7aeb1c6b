"""Asking a real server on loopback: what is sent, what is read, and what each fault becomes."""

from __future__ import annotations

import asyncio
import json
import socket
import traceback
from typing import Any

import pytest

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import AskError
from tests.loopback import Loopback, Reply, as_json, refused, said

HELLO = Request("loop", "chat", messages=({"role": "user", "content": "hello"},))
KEY = "sk-planted-0123456789"


def ask(server: Loopback | str, request: Request = HELLO, **settings: Any) -> Response:
    """Ask once, through an endpoint of its own."""

    async def asked() -> Response:
        base_url = server if isinstance(server, str) else server.base_url
        endpoint = OpenAIEndpoint("loop", base_url, use_proxy=False, **settings)
        try:
            return await endpoint.ask(request)
        finally:
            await endpoint.close()

    return asyncio.run(asked())


def fault(server: Loopback | str, **settings: Any) -> AskError:
    """The error that asking ends in."""
    with pytest.raises(AskError) as raised:
        ask(server, **settings)
    return raised.value


def test_a_chat_answer_is_read_with_all_that_the_server_says(loopback: Loopback) -> None:
    """Text, reasons, fingerprint, request id and token counts are taken over; latency is measured."""
    body = {
        "model": "loop-2026",
        "system_fingerprint": "fp_1",
        "choices": [{"finish_reason": "stop", "message": {"content": "hi", "refusal": None}}],
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 2,
            "total_tokens": 11,
            "prompt_tokens_details": {"cached_tokens": 4},
        },
    }
    loopback.rule = lambda _: as_json(body, x_request_id="req-7")
    answer = ask(loopback)
    assert (answer.text, answer.model, answer.finish_reason) == ("hi", "loop-2026", "stop")
    assert (answer.system_fingerprint, answer.request_id) == ("fp_1", "req-7")
    assert answer.usage == Usage(9, 4, 2, 11)
    assert answer.latency_ms is not None
    assert answer.latency_ms > 0


def test_nothing_is_invented_where_the_server_is_silent(loopback: Loopback) -> None:
    """Missing usage, model and finish reason stay None; numbers of the wrong kind are no numbers."""
    message = {"content": "hi"}
    loopback.rule = lambda _: as_json({"choices": [{"message": message}], "usage": {"prompt_tokens": "9"}})
    answer = ask(loopback)
    assert (answer.model, answer.finish_reason, answer.refusal, answer.request_id) == (None,) * 4
    assert answer.usage == Usage()


def test_a_null_content_is_an_answer_without_text(loopback: Loopback) -> None:
    """A tool call without text is an answer, not an error."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    message = {"content": None, "tool_calls": [call]}
    loopback.rule = lambda _: as_json({"choices": [{"message": message, "finish_reason": "tool_calls"}]})
    answer = ask(loopback)
    assert answer.text is None
    assert answer.tool_calls == (call,)


def test_params_are_sent_as_written_and_nothing_else(loopback: Loopback) -> None:
    """The body holds model, messages and the params; extra_body is spread out, as with the SDK."""
    params = {"temperature": 0, "stop": ["\n"], "extra_body": {"top_k": 5}}
    ask(loopback, Request("loop", "chat", messages=HELLO.messages, params=params))
    sent = {
        "model": "loop",
        "messages": list(HELLO.messages or ()),
        "temperature": 0,
        "stop": ["\n"],
        "top_k": 5,
    }
    assert loopback.questions == [sent]


def test_a_legacy_prompt_goes_to_completions(loopback: Loopback) -> None:
    """Kind `completions` is asked under /v1/completions and read from `choices[0].text`."""
    loopback.rule = lambda _: as_json({"choices": [{"text": " urgent", "finish_reason": "length"}]})
    answer = ask(loopback, Request("loop", "completions", prompt="Label:"))
    assert answer.text == " urgent"
    assert loopback.asked[0][0] == "/v1/completions"
    assert loopback.questions == [{"model": "loop", "prompt": "Label:"}]


@pytest.mark.parametrize(
    ("reply", "type_", "status", "retryable"),
    [
        (refused(429, "rate_limit_exceeded"), "rate_limit_exceeded", 429, True),
        (refused(429, "insufficient_quota"), "insufficient_quota", 429, False),
        (refused(500, "server_error"), "server_error", 500, True),
        (as_json({"detail": "busy"}, 503), "http_503", 503, True),
        (refused(401, "invalid_api_key"), "invalid_api_key", 401, False),
        (as_json({"error": "no such model"}, 404), "not_found", 404, False),
        (refused(400, "context_length_exceeded"), "context_length_exceeded", 400, False),
        (as_json({"code": 409, "message": "again"}, 409), "conflict", 409, True),
        (Reply(302, b"", {"location": "http://127.0.0.1:1/elsewhere"}), "http_302", 302, False),
        (Reply(200, b"<html>maintenance</html>", {"content-type": "text/html"}), "bad_response", None, True),
        (Reply(200, b'{"choices": [{"mess'), "bad_response", None, True),
        (Reply(200, b"\xff\xfe{}"), "bad_response", None, True),
        (Reply(200, b"[" * 100_000), "bad_response", None, True),
        (as_json([]), "bad_response", None, True),
        (as_json({"choices": []}), "bad_response", None, True),
        (as_json({"choices": [{"message": None}]}), "bad_response", None, True),
        (Reply(200, said("hello").body, cut=20), "connection", None, True),
    ],
)
def test_each_fault_becomes_one_error(
    loopback: Loopback, reply: Reply, type_: str, status: int | None, retryable: bool
) -> None:
    """A stable word, the status, and whether asking again may help."""
    loopback.rule = lambda _: reply
    error = fault(loopback)
    assert (error.type, error.status, error.retryable) == (type_, status, retryable)
    assert error.message
    assert len(loopback.questions) == 1, "the SDK retried by itself, or followed a redirect"


def test_the_message_is_what_the_server_said(loopback: Loopback) -> None:
    """OpenAI's, mlx-lm's and FastAPI's shapes of errors are all read."""
    for body in ({"error": {"message": "too long"}}, {"error": "too long"}, {"detail": "too long"}):
        loopback.rule = lambda _, body=body: as_json(body, 400)  # type: ignore[misc]
        assert fault(loopback).message == "HTTP 400: too long"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "250"}, 0.25),
        ({"retry_after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0),
        ({"retry_after": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_read(loopback: Loopback, header: dict[str, str], seconds: float | None) -> None:
    """Seconds, milliseconds or a date (a past one means now); anything else is no wish."""
    loopback.rule = lambda _: refused(429, "rate_limit_exceeded", **header)
    assert fault(loopback).retry_after_s == seconds


def test_a_refused_connection_is_named() -> None:
    """Nobody listens: a retryable error with the address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    error = fault(url)
    assert (error.type, error.retryable) == ("connection", True)
    assert url in error.message


def test_the_whole_request_has_one_time_limit(loopback: Loopback) -> None:
    """A server that takes too long is given up."""
    loopback.rule = lambda _: Reply(200, said("late").body, delay_s=5)
    assert fault(loopback, timeout_s=0.2).type == "timeout"


def test_a_key_that_is_echoed_never_gets_out(loopback: Loopback) -> None:
    """A server may echo the key in an answer, an error, a header or in HTML: it is cleared everywhere."""
    loopback.rule = lambda _: as_json(
        {"model": KEY, "choices": [{"message": {"content": f"your key is {KEY}"}}]}, x_request_id=KEY
    )
    assert KEY not in repr(ask(loopback, api_key=KEY))
    assert loopback.asked[0][1]["authorization"] == f"Bearer {KEY}"
    for reply in (refused(401, "invalid_api_key", f"bad key {KEY}"), Reply(200, f"<p>{KEY}</p>".encode())):
        loopback.rule = lambda _, reply=reply: reply  # type: ignore[misc]
        error = fault(loopback, api_key=KEY)
        assert KEY not in f"{error} {error!r}"
        assert KEY not in "".join(traceback.format_exception_only(error))


def test_a_header_is_as_secret_as_a_key(loopback: Loopback) -> None:
    """Configured headers are sent, and cleared from what comes back."""
    loopback.rule = lambda _: said(f"you sent {KEY}")
    answer = ask(loopback, headers={"x-gateway-token": KEY})
    assert loopback.asked[0][1]["x-gateway-token"] == KEY
    assert answer.text == "you sent ***"


def test_nothing_of_the_environment_is_sent_along(
    loopback: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, organisation and headers that the SDK reads from the environment stay there."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", KEY)
    monkeypatch.setenv("OPENAI_PROJECT_ID", KEY)
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"x-mine: {KEY}\nauthorization: {KEY}")
    ask(loopback)
    assert KEY not in json.dumps(loopback.asked)
    ask(loopback, api_key="sk-another-one")
    assert KEY not in json.dumps(loopback.asked)
