"""The SDK's errors, mapped once: every way in which a request gets no answer becomes an AskError."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import openai

from evalkit.errors import AskError

Clear = Callable[[str], str]
"""Takes keys out of a text."""

RETRYABLE_STATUS = frozenset({408, 409, 429})  # and every 5xx

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


def ask_error(fault: openai.OpenAIError, base_url: str, clear: Clear) -> AskError:
    """What a fault of the SDK means to a run.

    Args:
        fault: as raised.
        base_url: where the request went; named in messages about connections.
        clear: applied to every text that may come from the server.
    """
    if isinstance(fault, openai.APIStatusError):
        return _refusal(fault, clear)
    if isinstance(fault, openai.APITimeoutError):
        return timed_out(base_url)
    reason = clear(str(fault.__cause__ or fault))
    return AskError("connection", f"no answer from {base_url}: {reason}", retryable=True)


def timed_out(base_url: str) -> AskError:
    """No answer within the endpoint's time."""
    return AskError("timeout", f"no answer from {base_url} in time; see timeout_s", retryable=True)


def bad_response(what: str) -> AskError:
    """An answer with a good status that cannot be read; the next one may be whole."""
    return AskError("bad_response", what, retryable=True)


def not_ready(error: AskError) -> bool:
    """Whether a model that was made a moment ago may be the reason: it is not found everywhere at once, or
    is still being loaded."""
    missing = error.status == 404 and error.type in ("model_not_found", "not_found")
    return missing or error.status == 503 or error.type == "timeout"


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait: Retry-After in seconds or as an HTTP date, or retry-after-ms."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    asked = headers.get("retry-after")
    seconds = _number(asked)
    return _until(asked) if seconds is None and asked else seconds


def _refusal(fault: openai.APIStatusError, clear: Clear) -> AskError:
    """An answer with status 3xx, 4xx or 5xx."""
    status = fault.status_code
    kind = _word(fault)
    return AskError(
        type=kind,
        message=clear(_message(fault)),
        status=status,
        retryable=(status in RETRYABLE_STATUS or status >= 500) and kind != "insufficient_quota",
        retry_after_s=retry_after_s(fault.response.headers),
    )


def _word(fault: openai.APIStatusError) -> str:
    """The server's own code where it is a word (some send numbers), else one for the status."""
    for said in (fault.code, fault.type):
        if isinstance(said, str) and re.fullmatch(r"[a-z][a-z_]{2,60}", said):
            return said
    return _WORDS.get(fault.status_code, f"http_{fault.status_code}")


def _message(fault: openai.APIStatusError) -> str:
    """What the server said, in any of the usual places: error.message, error, detail, or the bare body."""
    said: Any = fault.body
    for key in ("message", "detail"):
        if isinstance(said, dict) and key in said:
            said = said[key]
    text = said if isinstance(said, str) else fault.response.text
    return f"HTTP {fault.status_code}: {shorten(text)}"


def shorten(text: str, limit: int = 300) -> str:
    """The beginning of `text`, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _number(text: str | None) -> float | None:
    try:
        return max(0.0, float(text)) if text else None
    except ValueError:
        return None


def _until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return None
