"""Ending the server from within, when a part that it cannot do without is broken."""

from __future__ import annotations

import logging
import os
import signal

log = logging.getLogger("evalkit.local")


def end_server(why: str) -> None:
    """Log the exception under way and end this process as SIGTERM does: nobody shall wait for a dead part."""
    log.exception("%s: the server ends", why)
    os.kill(os.getpid(), signal.SIGTERM)
