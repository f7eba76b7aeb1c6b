"""What the server keeps, as plain frozen data. Times are whole seconds since 1970."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

JobStatus = Literal["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]
BatchStatus = Literal[
    "validating", "in_progress", "finalizing", "completed", "failed", "expired", "cancelling", "cancelled"
]
Level = Literal["info", "warn", "error"]
Method = Literal["supervised", "dpo"]
UNANSWERED: tuple[BatchStatus, ...] = ("validating", "in_progress", "finalizing", "cancelling")
UNFINISHED: tuple[JobStatus, ...] = ("validating_files", "queued", "running", "paused")


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file, uploaded or made by a job; its content is at `Store.content(id)`.

    Attributes:
        expires_at: when it is deleted; None = never.
    """

    id: str
    created_at: int
    filename: str
    purpose: str
    bytes: int
    sha256: str
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What OpenAI lets the user choose; None is "auto", which is resolved once the files have been read.

    Attributes:
        beta: of DPO; None for a supervised job.
    """

    n_epochs: int | None = None
    batch_size: int | None = None
    learning_rate_multiplier: float | None = None
    beta: float | None = None


@dataclass(frozen=True, slots=True)
class FineTune:
    """One fine-tuning job.

    Attributes:
        examples: how many the training file has, once it is validated.
        metadata: None where none was given.
        error: code, message and param, once the job has failed.
        estimated_finish: while it is running.
        result_files: ids of the files that it made.
    """

    id: str
    created_at: int
    status: JobStatus
    model: str
    training_file: str
    validation_file: str | None
    suffix: str
    seed: int
    hyperparameters: Hyperparameters
    method: Method = "supervised"
    examples: int | None = None
    metadata: Mapping[str, str] | None = None
    finished_at: int | None = None
    estimated_finish: int | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    result_files: tuple[str, ...] = ()
    error: Mapping[str, str | None] | None = None

    @property
    def files(self) -> tuple[str, ...]:
        """The ids of the files that it reads."""
        return (self.training_file, *([self.validation_file] if self.validation_file else []))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a job's history; `data` has figures where `type` is "metrics"."""

    id: str
    job: str
    created_at: int
    level: Level
    message: str
    type: Literal["message", "metrics"] = "message"
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a job had made at the end of an epoch; it can be asked under the name `model`."""

    id: str
    job: str
    created_at: int
    model: str
    step: int
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class TunedModel:
    """A model that a job made; its adapter is at `Store.adapter(job, step)`.

    Attributes:
        step: where it is a checkpoint; None for what the job ended with.
        base_sha256: of the weights that it was trained upon, the only ones that it fits; None where the
            version that made it did not note them.
    """

    id: str
    created_at: int
    base: str
    job: str
    fingerprint: str
    step: int | None = None
    base_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests of one file, answered in the background.

    Attributes:
        endpoint: the path that all of them ask, e.g. `/v1/chat/completions`.
        reached: when it came to each status, the first one aside.
        model: the one model that they ask, once the file is read.
        errors: what is wrong with the file: code, message, param and line each.
        usage: tokens of all answers, as the API tells them, once it has ended.
        results_live_s: after so many seconds its files of results are deleted; None = never.
    """

    id: str
    created_at: int
    expires_at: int
    status: BatchStatus
    endpoint: str
    input_file: str
    metadata: Mapping[str, str] | None = None
    reached: Mapping[str, int] = field(default_factory=dict)
    model: str | None = None
    total: int = 0
    completed: int = 0
    failed: int = 0
    errors: Sequence[Mapping[str, Any]] = ()
    output_file: str | None = None
    error_file: str | None = None
    usage: Mapping[str, Any] | None = None
    results_live_s: int | None = None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response that can be gone on from.

    Attributes:
        body: the response object.
        items: the conversation that it answers.
    """

    id: str
    created_at: int
    body: Mapping[str, Any]
    items: Sequence[Mapping[str, Any]]


def new_id(prefix: str) -> str:
    """Make an identifier that is not taken, e.g. `ftjob-3f9c...`."""
    return prefix + secrets.token_hex(12)


def now() -> int:
    """Give the time."""
    return int(time.time())
