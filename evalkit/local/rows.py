"""What the server keeps, as plain frozen data. Times are whole seconds since 1970."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JobStatus = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
Level = Literal["info", "warn", "error"]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An uploaded file; its content is at `Store.content(id)`."""

    id: str
    created_at: int
    filename: str
    purpose: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """What OpenAI lets the user choose, resolved: "auto" never stands here."""

    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float


@dataclass(frozen=True, slots=True)
class FineTune:
    """One fine-tuning job.

    Attributes:
        metadata: None where none was given.
        error: code, message and param, once the job has failed.
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
    metadata: Mapping[str, str] | None = None
    finished_at: int | None = None
    fine_tuned_model: str | None = None
    trained_tokens: int | None = None
    error: Mapping[str, str | None] | None = None


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
class TunedModel:
    """A model that a job made; its adapter is at `Store.adapter(job)`."""

    id: str
    created_at: int
    base: str
    job: str
    fingerprint: str


def new_id(prefix: str) -> str:
    """Make an identifier that is not taken, e.g. `ftjob-3f9c...`."""
    return prefix + secrets.token_hex(12)


def now() -> int:
    """Give the time."""
    return int(time.time())
