"""Regular expressions under a time limit: a hostile pattern, or a hostile text, must not hang a run.

Time is the processor's, as `regex` itself counts it: a busy machine changes no verdict.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import regex

SECONDS = 1.0
MAX_PATTERN_CHARS = 10_000
MAX_REPEATS = 100_000  # `regex` unrolls the least count of {n,m}: nested counts would fill the memory

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_COUNT = regex.compile(r"\{(\d+)(?:,\d*)?\}")
_RECURSION = regex.compile(r"\(\?(?:R|[+-]?\d|&|P>)")


class PatternError(ValueError):
    """The pattern is not a regular expression; the message says where."""


class PatternTimeout(Exception):
    """Matching took longer than SECONDS and was stopped."""

    def __init__(self, pattern: str):
        took = f"took longer than {SECONDS:g} s of processor time on this text"
        super().__init__(f"the pattern {pattern[:80]} {took}: simplify it")


def compiled(pattern: str, *, ignore_case: bool = False) -> regex.Pattern[str]:
    """Compile a pattern in the syntax of the `regex` package, which contains that of `re`.

    Raises:
        PatternError: it cannot be compiled.
    """
    _refuse_costly(pattern)
    try:
        return regex.compile(pattern, regex.IGNORECASE if ignore_case else 0)
    except (regex.error, ValueError, OverflowError, RecursionError) as error:
        raise PatternError(f"no regular expression: {error}") from error


@contextmanager
def one_limit() -> Iterator[None]:
    """All matching inside shares one time limit: a thousand slow matches must not add up."""
    token = _deadline.set(time.process_time() + SECONDS)
    try:
        yield
    finally:
        _deadline.reset(token)


def found(pattern: regex.Pattern[str], text: str, *, full: bool = False) -> regex.Match[str] | None:
    """The first match in the text, or the match of the whole text.

    Raises:
        PatternTimeout: it took too long.
    """
    match = pattern.fullmatch if full else pattern.search
    deadline = _deadline.get()
    seconds = SECONDS if deadline is None else deadline - time.process_time()
    if seconds <= 0:
        raise PatternTimeout(pattern.pattern)
    try:
        return match(text, timeout=seconds, concurrent=True)
    except TimeoutError as error:
        raise PatternTimeout(pattern.pattern) from error


def _refuse_costly(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN_CHARS:
        raise PatternError(f"a pattern of more than {MAX_PATTERN_CHARS:,} characters")
    if math.prod(max(1, int(count)) for count in _COUNT.findall(pattern)) > MAX_REPEATS:
        raise PatternError(f"counts in braces multiply to more than {MAX_REPEATS:,}: write smaller ones")
    if _RECURSION.search(pattern):
        raise PatternError("a pattern that calls itself, as (?R) does: write one without recursion")
