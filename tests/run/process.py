"""`evalkit run` in a process of its own, which can be killed, starved and started twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.loopback import Loopback

ROOT = Path(__file__).resolve().parents[2]


def write_cases(folder: Path, count: int, checks: str = "equals") -> list[str]:
    """A suite of one-word questions, `q0` and on, which the usual server answers with the word; the words."""
    words = [f"q{number}" for number in range(count)]
    folder.mkdir(parents=True)
    (folder / "suite.yaml").write_text(f"cases: cases.jsonl\nchecks:\n  - {checks}\n", "utf-8")
    lines = (json.dumps({"id": word, "ask": word, "answer": word}) + "\n" for word in words)
    (folder / "cases.jsonl").write_text("".join(lines), "utf-8")
    return words


def start(folder: Path, *flags: str, prepare: Callable[[], None] | None = None) -> subprocess.Popen[bytes]:
    """Start `evalkit run FLAGS` in `folder`; what it says goes to a file beside it.

    Args:
        folder: in which `reports/` and `.evalkit/` are made.
        flags: of `evalkit run`.
        prepare: called in the new process first.
    """
    with _log(folder).open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "evalkit", "run", *flags],
            cwd=folder,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            preexec_fn=prepare,
        )


def ended(process: subprocess.Popen[bytes], within_s: float = 60) -> int:
    """Wait for its end; the exit code."""
    try:
        return process.wait(within_s)
    finally:
        process.kill()


def asking(server: Loopback, *more: str) -> tuple[str, ...]:
    """The flags of a run of the suite `words` with one variant."""
    return ("words", "--base", f"plain@{server.base_url}", "--variants", "base", "--no-gate", *more)


def run_folder(folder: Path) -> Path | None:
    """The run that `folder` holds; None before it has begun."""
    found = [path.parent for path in sorted((folder / "reports").glob("2*/run.json"))]
    assert len(found) <= 1, "a second run was begun"
    return found[0] if found else None


def stored(run: Path) -> Iterator[dict[str, Any]]:
    """The records that a run has on disk, torn ends left out."""
    records = run / "records.jsonl"
    if records.exists():
        for line in records.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                yield json.loads(line)


def said(folder: Path) -> str:
    """What the commands in `folder` have printed."""
    return _log(folder).read_text("utf-8", "replace")


def _log(folder: Path) -> Path:
    return folder.with_suffix(".log")  # not inside: that disk may be full


def file_limit(size: int) -> Callable[[], None]:
    """Files end after `size` bytes, as if the disk were full: a write is cut short, the next one fails."""

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return limit
