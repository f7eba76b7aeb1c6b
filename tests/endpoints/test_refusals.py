"""Refusals and broken answers: read for what they are, and without a piece of the key."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from evalkit.endpoints.faults import retry_after_s
from evalkit.errors import AskError
from tests.endpoints.test_openai_api import KEY, fault
from tests.loopback import Loopback, Reply, as_json, refused

PIECE = 8
"""So many characters of the key in a row are a piece of it."""


def shows_the_key(error: AskError) -> bool:
    """Whether any piece of the key stands in the message."""
    return any(KEY[at : at + PIECE] in str(error) for at in range(len(KEY) - PIECE + 1))


@pytest.mark.parametrize("status", [400, 401, 403, 429, 500])
def test_a_refusal_that_breaks_off_is_still_that_refusal(status: int, loopback: Loopback) -> None:
    """Its status came: it is known what to do, and nothing was charged."""
    loopback.rule = lambda _: replace(refused(status, "no", "half a word"), cut=20)
    error = fault(loopback)
    assert (error.status, error.possibly_billed) == (status, False)
    assert error.retryable == (status in (429, 500))
    assert error.fatal == (status in (401, 403))


@pytest.mark.parametrize("charset", ["hex", "base64", "utf-16", "punycode", "no-such-charset"])
def test_a_refusal_in_any_charset_is_read(charset: str, loopback: Loopback) -> None:
    """As UTF-8, which JSON is."""
    head = {"content-type": f"application/json; charset={charset}"}
    loopback.rule = lambda _: replace(as_json({"error": {"code": 1}}, 500), headers=head)
    assert fault(loopback).status == 500


@pytest.mark.parametrize(
    ("error", "type_", "retryable"),
    [
        ({"message": "Insufficient credits", "code": 402}, "late_error", False),
        ({"message": "overloaded", "type": "overloaded_error"}, "overloaded_error", True),
        ("Insufficient credits", "late_error", True),
    ],
)
def test_an_error_under_a_good_status_is_told(
    error: Any, type_: str, retryable: bool, loopback: Loopback
) -> None:
    """In the server's words; tried again unless its code says that this will not help."""
    loopback.rule = lambda _: as_json({"error": error})
    found = fault(loopback)
    assert (found.type, found.retryable) == (type_, retryable)
    assert (error if isinstance(error, str) else error["message"]) in str(found)


@pytest.mark.parametrize("before", [40, 75, 90])
def test_a_head_that_is_too_long_shows_no_piece_of_the_key(before: int, loopback: Loopback) -> None:
    """The client quotes its first 100 bytes."""
    echo = {"x-echo": "p" * before + KEY + "z" * 9000}
    loopback.rule = lambda _: Reply(200, b"{}", echo)
    assert not shows_the_key(fault(loopback, api_key=KEY))


@pytest.mark.parametrize("stream", [False, True])
def test_a_text_that_is_cut_for_a_message_shows_no_piece_of_the_key(stream: bool, loopback: Loopback) -> None:
    """Wherever the cut falls: in a refusal that is read no further, in an event, where the line broke."""
    for room in (4000, 65_536):
        body = b"data: {" + b" " * (room - 8 - len(KEY) + 1) + KEY.encode() + b" tail\n\n"
        for reply in (Reply(200, body), Reply(500, body), Reply(500, body, cut=len(body) - 10)):
            loopback.rule = lambda _, reply=reply: reply  # type: ignore[misc]
            assert not shows_the_key(fault(loopback, api_key=KEY, stream=stream))


@pytest.mark.parametrize(
    "date", ["Mon, 01 Jan 0001 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +2400", "1e400", "nan"]
)
def test_a_time_that_makes_no_sense_is_no_time(date: str) -> None:
    """Nobody waits for ever, and nothing breaks."""
    assert not retry_after_s({"retry-after": date})
