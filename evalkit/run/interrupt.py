"""Ctrl-C while there is work under way."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Interruptible(Protocol):
    """Whoever works."""

    def interrupt(self) -> None:
        """Ask nothing more, and let go of what is under way when told again."""
        ...


@contextmanager
def interruptible(team: Interruptible) -> Iterator[None]:
    """Ctrl-C ends the work in order. Elsewhere than in the main thread, or on Windows, it comes as usual."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        yield
        return
    loop.add_signal_handler(signal.SIGINT, team.interrupt)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
