"""A run that is begun again though an earlier one, the same, was not finished: whether to go on with that."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from evalkit.config import ModelFlags
from evalkit.errors import UsageError
from evalkit.run import RunOptions, latest, read_info
from evalkit.run.describe import resumed
from evalkit.run.store import RECORDS, at_work


def taken_up(flags: ModelFlags, options: RunOptions) -> Path | None:
    """The run to go on with; None begins anew. On a terminal that is asked, elsewhere it is only told."""
    folder = _unfinished(flags, options)
    if folder is None:
        return None
    found = f"{folder} is the same run and was not finished: {_count(folder)} answers are on disk"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(
            f"{found}; evalkit run --resume {folder} goes on with it. This run begins anew", file=sys.stderr
        )
        return None
    print(f"{found}. Go on with it? [Y/n] ", end="", file=sys.stderr, flush=True)
    return None if sys.stdin.readline().strip().lower().startswith("n") else folder


def _unfinished(flags: ModelFlags, options: RunOptions) -> Path | None:
    """The newest run, if it was begun by the same flags, is not finished, and nobody is at work on it."""
    folder = latest(options.out)
    if folder is None or options.resume is not None:
        return None
    try:
        info, (begun_flags, begun) = read_info(folder), resumed(folder)
    except UsageError:  # damaged, or of another version: no reason to fail
        return None
    here = replace(options, resume=folder, concurrency=begun.concurrency, max_cost=begun.max_cost)
    same = (begun_flags, begun) == (flags, replace(here, workers=begun.workers))
    finished = info.get("status") == "finished" and not info.get("errors") and not info.get("unasked")
    return None if finished or not same or at_work(folder) else _short(folder)


def _short(folder: Path) -> Path:
    here = Path.cwd()
    return folder.relative_to(here) if folder.is_relative_to(here) else folder


def _count(folder: Path) -> int:
    records = folder / RECORDS
    if not records.exists():
        return 0
    with records.open("rb") as file:
        return sum(line.endswith(b"\n") for line in file)
