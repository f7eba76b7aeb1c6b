"""What a job leaves behind: its events, checkpoints and result file, as OpenAI words them."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Iterable, Mapping

from evalkit.local.rows import Checkpoint, Event, FineTune, Level, new_id, now

ORGANISATION = "local"
COLUMNS = {  # of the result file -> of an event's figures
    "step": "step",
    "train_loss": "train_loss",
    "train_accuracy": "train_mean_token_accuracy",
    "valid_loss": "valid_loss",
    "valid_mean_token_accuracy": "valid_mean_token_accuracy",
}


def event(job: FineTune, message: str, level: Level = "info") -> Event:
    """Make a line of history."""
    return Event(new_id("ftevent-"), job.id, now(), level, message)


def metrics_event(job: FineTune, figures: Mapping[str, float]) -> Event:
    """Make the line of a step; its id follows from the step, since a resumed training tells it again."""
    figures = _finite(figures)
    message = f"Step {figures['step']}/{figures['total_steps']}: training loss={figures['train_loss']:.2f}"
    for name, called in (("valid_loss", "validation loss"), ("full_valid_loss", "full validation loss")):
        if name in figures:
            message += f", {called}={figures[name]:.2f}"
    mark = _mark(job, "step", figures["step"])
    return Event(f"ftevent-{mark}", job.id, now(), "info", message, "metrics", figures)


def checkpoint(job: FineTune, step: int, figures: Mapping[str, float]) -> Checkpoint:
    """Make a checkpoint; its id follows from the step."""
    name = f"{model_name(job)}:ckpt-step-{step}"
    mark = _mark(job, "checkpoint", step)
    return Checkpoint(f"ftckpt_{mark}", job.id, now(), name, step, _finite(figures))


def model_name(job: FineTune) -> str:
    """Name what a job makes."""
    return f"ft:{job.model}:{ORGANISATION}:{job.suffix}:{job.id[-8:]}"


def result_csv(events: Iterable[Event]) -> bytes:
    """Write the figures of all steps as OpenAI's result file; what was not measured is left blank."""
    out = io.StringIO()
    table = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    table.writeheader()
    steps = (dict(event.data) for event in events if event.type == "metrics")
    for figures in sorted(steps, key=lambda figures: figures["step"]):
        table.writerow({column: figures.get(name) for column, name in COLUMNS.items()})
    return out.getvalue().encode()


def _finite(figures: Mapping[str, float]) -> Mapping[str, float]:
    """The figures that JSON can write: an overflow of a validation is none."""
    return {name: value for name, value in figures.items() if math.isfinite(value)}


def _mark(job: FineTune, kind: str, step: float) -> str:
    return hashlib.sha256(f"{job.id} {kind} {step}".encode()).hexdigest()[:24]
