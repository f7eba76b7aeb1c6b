"""Telling somebody that a job has ended: a command of the user's own, never through a shell."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Sequence

from evalkit.errors import UsageError
from evalkit.tune.jobs import Job

LONGEST_S = 60.0
STDERR = 2  # the descriptor: stdout is for tables and --json


def arguments(command: str) -> tuple[str, ...]:
    """The argument list of a command as it was typed; quotes are understood, nothing is expanded.

    Raises:
        UsageError: it is empty, or a quote is not closed.
    """
    try:
        found = tuple(shlex.split(command))
    except ValueError as fault:
        raise UsageError(
            f"--notify {command!r}: {fault}; write a command such as 'notify-send evalkit'"
        ) from fault
    if not found:
        raise UsageError("--notify is empty; write a command such as 'notify-send evalkit'")
    return found


def notify(command: Sequence[str], job: Job) -> str | None:
    """Run the command, with the job in its environment; gives what went wrong, None where nothing did.

    It is told EVALKIT_JOB, EVALKIT_STATUS, EVALKIT_MODEL (the fine-tuned one, or ""), EVALKIT_BASE and
    EVALKIT_ERROR (or ""). What it prints goes to stderr.
    """
    told = {
        "EVALKIT_JOB": job.id,
        "EVALKIT_STATUS": job.status,
        "EVALKIT_MODEL": job.fine_tuned_model or "",
        "EVALKIT_BASE": job.model,
        "EVALKIT_ERROR": job.error or "",
    }
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **{name: value.replace("\0", "") for name, value in told.items()}},
            stdin=subprocess.DEVNULL,
            stdout=STDERR,
            timeout=LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"did not end within {LONGEST_S:.0f} s"
    except (OSError, ValueError) as fault:
        return str(fault)
    return f"ended with code {done.returncode}" if done.returncode else None
