"""Requests that nobody waits for any more."""

from __future__ import annotations

import asyncio


class Dropped(asyncio.CancelledError):
    """One request was cancelled while it was under way: the server may have charged it.

    Attributes:
        attempts: how often it was sent.
        possibly_billed: of how many attempts that is unknown.
    """

    attempts = 1
    possibly_billed = 1
