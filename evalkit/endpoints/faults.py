"""The SDK's errors, mapped once: every way in which a request gets no answer becomes an AskError."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import httpx2
import openai
from aiohttp.http_exceptions import HttpProcessingError

from evalkit.errors import AskError

Clear = Callable[[str], str]
"""Takes keys out of a text."""

NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, httpx2.UnsupportedProtocol)
"""Faults before a request left this machine: nobody can have charged it."""

TIMED_OUT = (aiohttp.ServerTimeoutError, httpx2.ReadTimeout, httpx2.WriteTimeout, httpx2.PoolTimeout)

UNREADABLE_HEAD = (aiohttp.ClientResponseError, HttpProcessingError)

RETRYABLE_STATUS = frozenset({408, 409, 429})  # and every 5xx

_LASTING = ("insufficient_quota", "invalid_request_error", "context_length_exceeded")

_WORDS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    408: "timeout",
    409: "conflict",
    422: "unprocessable",
    429: "rate_limit_exceeded",
}


def ask_error(fault: Exception, base_url: str, clear: Clear) -> AskError:
    """What a fault of the SDK, or of the client under it, means to a run.

    Args:
        fault: as raised.
        base_url: where the request went; named in messages about connections.
        clear: applied to every text that may come from the server.
    """
    if isinstance(fault, openai.APIStatusError):
        return _refusal(fault, clear)
    causes = tuple(_causes(fault))
    sent = not any(isinstance(cause, NEVER_SENT) for cause in causes)
    if any(isinstance(cause, TIMED_OUT) for cause in causes):
        return timed_out(base_url, sent=sent)
    reason = _reason(causes, clear) or type(fault).__name__
    what = f"no answer from {base_url}: {shorten(reason)}"
    return AskError("connection", what, retryable=True, possibly_billed=sent)


def timed_out(base_url: str, *, sent: bool = True) -> AskError:
    """No answer within the endpoint's time."""
    what = f"no answer from {base_url} in time; see timeout_s"
    return AskError("timeout", what, retryable=True, possibly_billed=sent)


def bad_response(what: str) -> AskError:
    """An answer with a good status that cannot be read; the next one may be whole."""
    return AskError("bad_response", what, retryable=True, possibly_billed=True)


def told_late(error: Any, clear: Clear) -> AskError:
    """An error that a server sends under a good status: in the middle of a stream, or in place of an answer.

    Args:
        error: the value of `error`, usually an object with message, type and code.
        clear: applied to every text that comes from the server.
    """
    said = error if isinstance(error, Mapping) else {"message": error}
    code, kind = said.get("code"), said.get("type")
    refused = isinstance(code, int) and 400 <= code < 500 and not _passes(code)
    lasting = refused or code in _LASTING or kind in _LASTING
    return AskError(
        type=_word(code, kind) or "late_error",
        message=f"error under a good status: {shorten(clear(str(said.get('message') or error)))}",
        retryable=not lasting,
        possibly_billed=True,
        fatal="insufficient_quota" in (code, kind),
    )


def too_large(limit: int) -> AskError:
    """An answer longer than any that is kept; the next one would be, too."""
    what = f"the answer is longer than {limit:,} bytes, and was not read further"
    return AskError("too_large", what, possibly_billed=True)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: Retry-After in seconds or as an HTTP date, or retry-after-ms."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after")
    seconds = _number(asked)
    return _until(asked) if seconds is None and asked else seconds


def _reason(causes: tuple[BaseException, ...], clear: Clear) -> str:
    """What the faults say. Those of an answer's head quote it, cut off: half a key would not be found."""
    if any(isinstance(cause, UNREADABLE_HEAD) for cause in causes):
        return "the head of the answer cannot be read"
    return clear(" ".join(dict.fromkeys(filter(None, map(str, causes)))))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """A fault, and what it came from."""
    while fault is not None:
        yield fault
        fault = fault.__cause__


def _refusal(fault: openai.APIStatusError, clear: Clear) -> AskError:
    """An answer with status 3xx, 4xx or 5xx."""
    status = fault.status_code
    kind = _word(fault.code, fault.type) or _WORDS.get(status, f"http_{status}")
    hopeless = kind == "insufficient_quota"
    return AskError(
        type=kind,
        message=f"HTTP {status}: {shorten(clear(_message(fault)))}",  # in this order: half a key is not found
        status=status,
        retryable=_passes(status) and not hopeless,
        retry_after_s=retry_after_s(fault.response.headers),
        fatal=status in (401, 403) or hopeless,
    )


def _passes(status: int) -> bool:
    """Whether the same request may be answered later."""
    return status in RETRYABLE_STATUS or status >= 500


def _word(*said: Any) -> str | None:
    """The server's own code where it is a word (some send numbers)."""
    for word in said:
        if isinstance(word, str) and re.fullmatch(r"[a-z][a-z_]{2,60}", word):
            return word
    return None


def _message(fault: openai.APIStatusError) -> str:
    """What the server said, in any of the usual places: error.message, error, detail, or the bare body."""
    said: Any = fault.body
    for key in ("message", "detail"):
        if isinstance(said, dict) and key in said:
            said = said[key]
    return said if isinstance(said, str) else fault.response.content.decode("utf-8", "replace")


def shorten(text: str, limit: int = 300) -> str:
    """The beginning of `text`, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return max(0.0, number) if math.isfinite(number) else None


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None
