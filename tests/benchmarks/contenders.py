"""What the runner's benchmark compares, each in a process: the loops of raw.py, and `evalkit run`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.stub import ANSWER, RAW

ROOT = Path(__file__).resolve().parents[2]
UNDER_WAY = 64

SUITE = """\
cases: cases.jsonl
checks:
  - contains: Paris
  - length: {max: 40, unit: words}
"""


@dataclass(frozen=True, slots=True)
class Used:
    """What a process took: processor and wall seconds, and peak memory in MB; its children included."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def used(command: Sequence[str], folder: Path) -> Used:
    """Run a command to its end.

    Raises:
        SystemExit: it failed; with what it said.
    """
    ambient = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    began = time.perf_counter()
    with (folder / "said.txt").open("w+") as said:
        process = subprocess.Popen(
            command, cwd=folder, env={**ambient, "PYTHONPATH": str(ROOT)}, stdout=said, stderr=said
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{said.read()}")
    wall_s = time.perf_counter() - began
    return Used(usage.ru_utime + usage.ru_stime, wall_s, usage.ru_maxrss / 1024)


@dataclass(frozen=True, slots=True)
class Bare:
    """A loop of raw.py, e.g. `openai_aiohttp_post`."""

    kind: str
    procs: int = 1

    def run(self, folder: Path, samples: int, port: int) -> Used:
        """So many requests."""
        flags = ["--port", str(port), "--procs", str(self.procs)]
        return used([sys.executable, str(RAW), self.kind, str(samples), str(UNDER_WAY), *flags], folder)


@dataclass(frozen=True, slots=True)
class Evalkit:
    """`evalkit run`, all in: request, two checks, record on disk, summary and report."""

    cache: bool = False
    workers: int = 1

    def run(self, folder: Path, samples: int, port: int) -> Used:
        """So many samples, none of which has been asked before; what it stores is left in `folder`."""
        for old in ("reports", ".evalkit"):
            shutil.rmtree(folder / old, ignore_errors=True)
        suite = write_suite(folder, samples)
        flags = ["-n", str(UNDER_WAY), *(() if self.cache else ("--no-cache",))]
        flags += ["--workers", str(self.workers)] if self.workers > 1 else []
        return used([*evalkit_run(suite, port), *flags], folder)


def evalkit_run(suite: str, port: int) -> list[str]:
    """The command line, without a cap on spending and with no gate."""
    model = f"gpt-4o-mini@http://127.0.0.1:{port}/v1"
    command = [sys.executable, "-m", "evalkit", "run", suite, "--base", model, "--variants", "base"]
    return [*command, "--no-gate", "--max-cost", "none", "-q"]


def evalkit_record(suite: str, port: int, out: Path) -> list[str]:
    """Asking and storing alone: no checks, gate or report."""
    model = f"gpt-4o-mini@http://127.0.0.1:{port}/v1"
    command = [sys.executable, "-m", "evalkit", "record", suite, "--model", model, "--out", str(out)]
    return [*command, "--max-cost", "none"]


def write_suite(folder: Path, samples: int) -> str:
    """A suite of one-turn prompts, those of raw.py; its name. Made once for each size."""
    suite = folder / f"suite{samples}"
    if not suite.exists():
        suite.mkdir()
        (suite / "suite.yaml").write_text(SUITE, "utf-8")
        with (suite / "cases.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(
                json.dumps({"id": f"q{number}", "ask": prompt(number)}) + "\n" for number in range(samples)
            )
    return suite.name


def prompt(number: int) -> str:
    """As raw.py asks."""
    return f"Question {number}: what is the capital of France? Answer in one sentence."


def text_bytes(samples: int) -> int:
    """The text of prompts and answers, each once."""
    return sum(len(prompt(number)) + len(ANSWER) for number in range(samples))


def stored_bytes(folder: Path) -> int:
    """All that a run has left: its folder and the cache."""
    places = (folder / "reports", folder / ".evalkit")
    return sum(
        file.stat().st_size
        for place in places
        for file in place.rglob("*")
        if not file.is_symlink() and file.is_file()
    )
