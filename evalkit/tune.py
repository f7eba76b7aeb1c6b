"""Fine-tuning on the spot: a suite's training lines become a model, over the API, once for the same data."""

from __future__ import annotations

import asyncio
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import openai

from evalkit.endpoints.openai_api import OpenAIEndpoint
from evalkit.errors import UsageError
from evalkit.suite import training_lines
from evalkit.suite.model import Suite

SEED = 0
KEY = "evalkit_key"
"""The job's metadata field by which a fine-tune finds itself again."""

POLL_S = 0.2
ENDED = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class FtModel:
    """A fine-tuned model, and where it came from. `data_sha256` is of the training file as uploaded."""

    model: str
    job_id: str
    data_sha256: str
    reused: bool


@dataclass(frozen=True, slots=True)
class Base:
    """What is fine-tuned. `fingerprint`: the hash of its weights, where the endpoint tells it."""

    model: str
    fingerprint: str | None = None


async def ensure_ft(suite: Suite, base: Base, endpoint: OpenAIEndpoint) -> FtModel:
    """The model that `base` becomes by learning the suite's training lines: an earlier job's where weights
    and lines are the same, else a new job's, waited for.

    Raises:
        UsageError: the job failed, or the endpoint cannot fine-tune.
    """
    data = training_file(suite)
    sha256 = hashlib.sha256(data).hexdigest()
    key = hashlib.sha256(f"{base.model} {base.fingerprint} {sha256} {SEED}".encode()).hexdigest()
    try:
        earlier = await _earlier(endpoint, base.model, key)
        job = earlier or await _created(endpoint, suite, base.model, data, key)
        job = await _ended(endpoint, job)
    except openai.OpenAIError as fault:
        raise UsageError(f"suite {suite.name}: endpoint {endpoint.name} cannot fine-tune: {fault}") from fault
    if not job.fine_tuned_model:
        raise UsageError(f"suite {suite.name}: fine-tuning job {job.id} {job.status}: {_why(job)}")
    return FtModel(job.fine_tuned_model, job.id, sha256, reused=earlier is not None)


def training_file(suite: Suite) -> bytes:
    """The suite's training lines as JSONL, each line's system message as `ft` will be sent it."""
    lines = (json.dumps(line, ensure_ascii=False) for line in training_lines(suite))
    return "".join(f"{line}\n" for line in lines).encode()


async def _earlier(endpoint: OpenAIEndpoint, base: str, key: str) -> Any | None:
    """A job of the same base and data that has succeeded, or may yet."""
    async for job in endpoint.client.fine_tuning.jobs.list(metadata={KEY: key}):
        hopeful = job.status == "succeeded" or job.status not in ENDED
        if job.model == base and (job.metadata or {}).get(KEY) == key and hopeful:
            return job
    return None


async def _created(endpoint: OpenAIEndpoint, suite: Suite, base: str, data: bytes, key: str) -> Any:
    file = await endpoint.client.files.create(file=(f"{suite.name}.jsonl", data), purpose="fine-tune")
    return await endpoint.client.fine_tuning.jobs.create(
        model=base, training_file=file.id, suffix=suite.name[:64], seed=SEED, metadata={KEY: key}
    )


async def _ended(endpoint: OpenAIEndpoint, job: Any) -> Any:
    while job.status not in ENDED:
        await asyncio.sleep(POLL_S)
        job = await endpoint.client.fine_tuning.jobs.retrieve(job.id)
    return job


def _why(job: Any) -> str:
    """What the server says of a job that failed; `error` may be null, {} or {code: null}."""
    return (job.error and job.error.message) or "the server gives no reason"
