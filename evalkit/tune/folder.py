"""What is kept of a job: reports/tune-<job>/ with job.json, events.jsonl, result.csv and loss.svg."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import AskError, StorageError
from evalkit.tune.api import FineTuning
from evalkit.tune.jobs import Event, Job
from evalkit.tune.plot import loss_svg
from evalkit.tune.results import Loss, decoded, losses_of_csv, losses_of_events


@dataclass(frozen=True, slots=True)
class Kept:
    """A job as its server last told of it. `result` is its CSV; None where it has none."""

    job: Job
    events: tuple[Event, ...]
    result: bytes | None

    @property
    def losses(self) -> tuple[Loss, ...]:
        """Step by step: the result file has every step, events may leave some out."""
        return losses_of_csv(self.result) if self.result else losses_of_events(self.events)


async def fetch(server: FineTuning, job: Job) -> Kept:
    """All that a server has to tell of a job.

    Raises:
        AskError: it does not tell its events.
    """
    result = None
    if job.result_files:
        try:
            result = decoded(await server.endpoint.content(job.result_files[0]))
        except AskError:  # result files go away with time; the events remain
            result = None
    return Kept(job, await server.events(job.id), result)


def folder_of(out: Path, job_id: str) -> Path:
    """Where a job is kept under `out`; a server's id never leads out of it."""
    return out / f"tune-{re.sub(r'[^A-Za-z0-9_-]', '_', job_id)[:100]}"


def write(folder: Path, kept: Kept) -> None:
    """Write the folder's files, each whole or not at all; the plot only where there are losses.

    Raises:
        StorageError: the folder cannot be written.
    """
    files = {
        "job.json": _json(kept.job.body) + b"\n",
        "events.jsonl": _lines(kept.events),
        "result.csv": kept.result,
        "loss.svg": loss_svg(_title(kept.job), kept.losses) if kept.losses else None,
    }
    for name, content in files.items():
        if content is not None:
            write_file(folder / name, content)


def write_file(path: Path, content: bytes) -> None:
    """Write a file so that a reader finds the old one or the new one, never a part.

    Raises:
        StorageError: it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(path)
    except OSError as fault:
        raise StorageError(
            f"{path}: cannot be written ({fault.strerror}); free space, or give --out DIR"
        ) from fault


def _title(job: Job) -> str:
    return job.fine_tuned_model or f"{job.model}, {job.id} ({job.status})"


def _json(value: object) -> bytes:
    return json.dumps(value, indent=2, ensure_ascii=False).encode("utf-8", "backslashreplace")


def _lines(events: Sequence[Event]) -> bytes:
    lines = (json.dumps(event.body, ensure_ascii=False) for event in events)
    return "".join(f"{line}\n" for line in lines).encode("utf-8", "backslashreplace")
