"""Fine-tuning jobs as a server tells of them: read leniently, since servers differ and statuses grow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Body = Mapping[str, Any]

ENDED = frozenset({"succeeded", "failed", "cancelled"})
"""A status is an open string: every other one, known or not, may still change."""


@dataclass(frozen=True, slots=True)
class Job:
    """One fine-tuning job.

    Attributes:
        model: the base, as the server resolved it.
        fine_tuned_model: None until the job has succeeded.
        created_at, finished_at, estimated_finish: seconds since 1970.
        hyperparameters: as the server resolved them; "auto" stands until it has.
        error: why it failed, in the server's words; None where it did not fail.
        body: all of it, as the server gave it.
    """

    id: str
    status: str
    model: str
    fine_tuned_model: str | None = None
    created_at: int | None = None
    finished_at: int | None = None
    estimated_finish: int | None = None
    trained_tokens: int | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    method: str = "supervised"
    result_files: tuple[str, ...] = ()
    error: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    body: Body = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing will change any more."""
        return self.status in ENDED


@dataclass(frozen=True, slots=True)
class Event:
    """A line of a job's history; `data` has figures where `type` is "metrics"."""

    id: str
    created_at: int | None
    level: str
    message: str
    type: str
    data: Body
    body: Body


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The model as it was after some steps; it can be asked under `model`."""

    id: str
    model: str
    step: int | None
    metrics: Body
    body: Body


def read_job(body: Body) -> Job:
    """A job's object."""
    method = _dict(body.get("method"))
    kind = str(method.get("type") or "supervised")
    chosen = _dict(_dict(method.get(kind)).get("hyperparameters")) or _dict(body.get("hyperparameters"))
    return Job(
        id=str(body.get("id")),
        status=str(body.get("status")),
        model=str(body.get("model")),
        fine_tuned_model=body.get("fine_tuned_model") or None,
        created_at=_whole(body.get("created_at")),
        finished_at=_whole(body.get("finished_at")),
        estimated_finish=_whole(body.get("estimated_finish")),
        trained_tokens=_whole(body.get("trained_tokens")),
        hyperparameters=chosen,
        method=kind,
        result_files=_file_ids(body.get("result_files")),
        error=_error(body.get("error")),
        metadata=_dict(body.get("metadata")),
        body=body,
    )


def read_event(body: Body) -> Event:
    """An event's object; older servers give metrics the type `message`."""
    data = _dict(body.get("data"))
    return Event(
        id=str(body.get("id")),
        created_at=_whole(body.get("created_at")),
        level=str(body.get("level") or "info"),
        message=str(body.get("message") or ""),
        type="metrics" if "train_loss" in data else str(body.get("type") or "message"),
        data=data,
        body=body,
    )


def read_checkpoint(body: Body) -> Checkpoint:
    """A checkpoint's object."""
    return Checkpoint(
        id=str(body.get("id")),
        model=str(body.get("fine_tuned_model_checkpoint")),
        step=_whole(body.get("step_number")),
        metrics=_dict(body.get("metrics")),
        body=body,
    )


def _error(error: Any) -> str | None:
    """A failed job's reason; the field may be null, {} or {code: null} where nothing failed."""
    if not isinstance(error, Mapping):
        return str(error) if error else None
    code, message = error.get("code"), error.get("message")
    if not code and not message:
        return None
    return f"{code}: {message}" if code and message else str(message or code)


def _file_ids(files: Any) -> tuple[str, ...]:
    """Names of files; the oldest form of the API gave whole objects."""
    found = files if isinstance(files, list) else []
    return tuple(str(each.get("id")) if isinstance(each, Mapping) else str(each) for each in found)


def _dict(value: Any) -> Body:
    return value if isinstance(value, Mapping) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
