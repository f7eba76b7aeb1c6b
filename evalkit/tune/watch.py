"""A job followed to its end: through waits, short outages, and whatever statuses the server invents."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from evalkit.config import LOCAL
from evalkit.config.hosts import is_private
from evalkit.errors import AskError
from evalkit.tune.api import FineTuning
from evalkit.tune.jobs import Event, Job

Found = TypeVar("Found")

NEAR_S, FAR_S = 0.2, 5.0
"""Between looks at a server nearby, and at one that many ask."""

OUTAGE_S = 300.0
"""How long a server may be out of reach before watching is given up; the job goes on without us."""

EMBEDDED_OUTAGE_S = 5.0
"""The embedded server is a child of this process: one that is gone does not come back."""

RETRY_S = 2.0


class Watcher(Protocol):
    """Whoever shows how a job gets on. Called on the event loop: it must not block."""

    def looked(self, job: Job) -> None:
        """The job as it is now; called at every look."""
        ...

    def event(self, event: Event) -> None:
        """A new line of its history, in the order of time."""
        ...


async def follow(server: FineTuning, job_id: str, watcher: Watcher) -> Job:
    """Watch a job until it has ended.

    Raises:
        AskError: the server does not know it, or was out of reach for `OUTAGE_S`.
    """
    pause_s = NEAR_S if is_private(server.endpoint.base_url) else FAR_S
    last: str | None = None
    while True:
        job = await _patiently(server, lambda: server.job(job_id))  # first: an ended job has all its events
        for event in await _patiently(server, lambda since=last: server.events(job_id, since)):  # type: ignore[misc]
            watcher.event(event)
            last = event.id
        watcher.looked(job)
        if job.ended:
            return job
        await asyncio.sleep(pause_s)


async def ended(server: FineTuning, job: Job) -> Job:
    """Wait for a job that nobody watches; its history is left alone.

    Raises:
        AskError: as `follow`.
    """
    pause_s = NEAR_S if is_private(server.endpoint.base_url) else FAR_S
    name = job.id
    while not job.ended:
        await asyncio.sleep(pause_s)
        job = await _patiently(server, lambda: server.job(name))
    return job


async def _patiently(server: FineTuning, call: Callable[[], Awaitable[Found]]) -> Found:
    """What a call gives, tried again while the server is out of reach for a while."""
    longest_s = EMBEDDED_OUTAGE_S if server.endpoint.name == LOCAL else OUTAGE_S
    began = time.monotonic()
    while True:
        try:
            return await call()
        except AskError as error:
            if not error.retryable or time.monotonic() - began > longest_s:
                raise
        await asyncio.sleep(RETRY_S)
