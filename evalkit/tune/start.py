"""A recipe becomes a job: each file uploaded once, the job created once, whatever the network does."""

from __future__ import annotations

import asyncio
import time

from evalkit.errors import AskError, UsageError
from evalkit.tune.api import FineTuning
from evalkit.tune.closing import TRAINING_CLOSED, closed
from evalkit.tune.jobs import Job
from evalkit.tune.recipe import KEY, Recipe, sha256_of

LOST = frozenset({"timeout", "connection", "bad_response"})
"""Faults that leave open whether the server did what it was asked."""

LOOKS_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Waits before each look for a job whose creation was not answered."""

READY_WITHIN_S = 1800
"""A model made longer ago than this and not served is gone, not late."""


async def find(server: FineTuning, recipe: Recipe) -> Job | None:
    """A job of the same recipe that has succeeded and whose model is still there, or that may yet succeed.

    Raises:
        AskError: the server has no jobs, or cannot be reached.
    """
    async for job in server.jobs({KEY: recipe.key}):
        if not job.ended or (job.status == "succeeded" and await _is_served(server, job)):
            return job
    return None


async def create(server: FineTuning, recipe: Recipe) -> Job:
    """Upload what is not there yet, and create the job; to be called when `find` found none.

    Raises:
        UsageError: the server refuses the job, or nobody knows whether it was made.
        AskError: it cannot be reached, or refuses a file.
    """
    training = await uploaded(server, recipe.name, recipe.data)
    validation = recipe.validation and await uploaded(server, f"{recipe.name}-validation", recipe.validation)
    try:
        return await server.create(recipe.request(training, validation or None))
    except AskError as error:
        if error.type == TRAINING_CLOSED:
            raise closed(server.endpoint, error) from error
        if error.type not in LOST and (error.status or 0) < 500:
            raise
        return await _made_after_all(server, recipe, error)


async def uploaded(server: FineTuning, name: str, data: bytes) -> str:
    """The id of a file with these bytes on the server: an earlier upload, or a new one.

    An upload's name holds the hash of its content; it is taken for the same file if its size agrees, too.

    Raises:
        AskError: it cannot be uploaded.
    """
    mark = f"{sha256_of(data)}.jsonl"
    try:
        async for file in server.uploads():
            named = str(file.get("filename")).endswith(f"-{mark}")
            if named and file.get("bytes") == len(data) and file.get("status") != "error":
                return str(file["id"])
    except AskError as error:
        if error.status not in (404, 405, 501):  # a server without a list of files
            raise
    return str((await server.endpoint.upload(f"{name}-{mark}", data))["id"])


async def _is_served(server: FineTuning, job: Job) -> bool:
    """Whether a finished job's model can be used: deleted ones cannot, new ones soon can."""
    if job.fine_tuned_model is None:
        return False
    fresh = job.finished_at is not None and time.time() - job.finished_at < READY_WITHIN_S
    return fresh or await server.serves(job.fine_tuned_model)


async def _made_after_all(server: FineTuning, recipe: Recipe, lost: AskError) -> Job:
    """The job whose creation was not answered, found by its key.

    Raises:
        UsageError: it is not listed.
    """
    for wait_s in LOOKS_S:
        await asyncio.sleep(wait_s)
        if job := await _looked_up(server, recipe):
            return job
    raise UsageError(
        f"the answer to the job's creation was lost ({lost}), and no such job is listed since; run the same "
        "command again: if the job was made, it is found by its key and not made twice"
    )


async def _looked_up(server: FineTuning, recipe: Recipe) -> Job | None:
    try:
        return await find(server, recipe)
    except AskError:
        return None
