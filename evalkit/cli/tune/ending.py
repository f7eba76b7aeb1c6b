"""Waiting for a job, and what is done when it has ended: kept, noted in evalkit.lock, asked once, told."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.cli.exit_codes import Exit
from evalkit.cli.tune.server import JobPlace
from evalkit.cli.tune.tables import cell, pairs
from evalkit.cli.tune.watching import Progress, duration
from evalkit.config import LockedModel
from evalkit.config.lock import FILE_NAME, keep
from evalkit.run.options import RunOptions
from evalkit.tune import FineTuning, Job
from evalkit.tune.entry import as_of
from evalkit.tune.folder import Kept, fetch, folder_of, write
from evalkit.tune.notify import arguments, notify
from evalkit.tune.ready import first_answer
from evalkit.tune.watch import follow

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


@dataclass(frozen=True, slots=True)
class AtTheEnd:
    """What is done when a job has ended.

    Attributes:
        out: where the job's folder is made.
        notify: a command, as an argument list; () for none.
        question: what the new model is asked, to see that it is ready.
    """

    out: Path
    notify: tuple[str, ...] = ()
    question: Mapping[str, Any] | None = None


def add_ending(parser: argparse.ArgumentParser) -> None:
    """The flags of `AtTheEnd`."""
    parser.add_argument(
        "--notify",
        type=arguments_of,
        default=(),
        metavar="COMMAND",
        help="run this when the job has ended; it finds EVALKIT_JOB, EVALKIT_STATUS, EVALKIT_MODEL, "
        "EVALKIT_BASE and EVALKIT_ERROR in its environment (no shell: nothing is expanded)",
    )
    parser.add_argument(
        "--out", type=Path, default=RunOptions().out, metavar="DIR", help="for tune-JOB/ (default reports/)"
    )


def arguments_of(command: str) -> tuple[str, ...]:
    """--notify, read before anything is started."""
    return arguments(command)


async def wait(server: FineTuning, place: JobPlace, ending: AtTheEnd) -> Exit:
    """Follow a job to its end, and do what is to be done then.

    Raises:
        AskError: the server does not know the job, or was out of reach for long.
        StorageError: its folder or evalkit.lock cannot be written.
    """
    progress = Progress()
    with closing(progress.shown):
        job = await follow(server, place.job, progress)
        kept = await fetch(server, job)
        folder = folder_of(ending.out, job.id)
        write(folder, kept)
        if place.entry:
            keep(Path.cwd(), as_of(place.entry, job))
        asked = await _asked_once(server, job, ending, progress)
        _notify(ending.notify, job, progress)
    print(pairs(_summary(kept, folder, place.entry, asked)))
    return Exit.OK if job.status == "succeeded" else Exit.GATE_FAILED


async def _asked_once(server: FineTuning, job: Job, ending: AtTheEnd, progress: Progress) -> str | None:
    """Whether the new model answers, in words; None where there is no model."""
    if job.fine_tuned_model is None:
        return None
    question = ending.question or HELLO
    tried = await first_answer(server.endpoint, job.fine_tuned_model, question, progress.note)
    if tried.error:
        return f"not yet: {tried.error}; evalkit run waits for it as well"
    return "yes, it has answered"


def _notify(command: Sequence[str], job: Job, progress: Progress) -> None:
    if command and (fault := notify(command, job)):
        progress.note(f"--notify {command[0]}: {fault}")


def _summary(
    kept: Kept, folder: Path, entry: LockedModel | None, asked: str | None
) -> Iterator[tuple[str, object]]:
    job, losses = kept.job, kept.losses
    yield "job", f"{job.id}: {job.status}{_took(job)}"
    if job.error:
        yield "error", job.error
    if losses:
        first, last = losses[0], losses[-1]
        valid = "" if last.valid is None else f", validation {cell(last.valid)}"
        yield "loss", f"{cell(first.train)} at step {first.step}, {cell(last.train)} at {last.step}{valid}"
    if job.fine_tuned_model:
        yield "model", job.fine_tuned_model
        yield "ready", asked
        yield "noted in", FILE_NAME if entry else "no file: evalkit.lock holds what evalkit tune start made"
    yield "kept in", f"{folder}/"
    if entry and job.fine_tuned_model and not entry.source.endswith(".jsonl"):
        yield "next", f"evalkit run {entry.source}"


def _took(job: Job) -> str:
    if job.created_at is None or job.finished_at is None:
        return ""
    return f" after {duration(job.finished_at - job.created_at)}"
