"""Requests that are cancelled while they are under way: the server may charge them all the same.

The account of one travels on the CancelledError itself. A subclass would not do: asyncio.timeout and others
know that very class alone.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

_NAME = "evalkit_dropped"


@dataclass(frozen=True, slots=True)
class Dropped:
    """How often a request was sent, and of how many attempts it is unknown whether they were charged."""

    attempts: int = 1
    possibly_billed: int = 1


def tell(cancelled: asyncio.CancelledError, dropped: Dropped) -> None:
    """Say what is dropped by being cancelled; what was said before no longer counts."""
    setattr(cancelled, _NAME, dropped)


def told(cancelled: asyncio.CancelledError) -> Dropped | None:
    """What is dropped; None where nothing was under way."""
    found: Dropped | None = getattr(cancelled, _NAME, None)
    return found
