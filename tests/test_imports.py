"""What a command loads: nothing heavy before it is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.loopback import Loopback
from tests.loopback import loopback as loopback

ROOT = Path(__file__).resolve().parents[1]

HEAVY = {
    *("openai", "aiohttp", "httpx2", "pydantic"),  # the client of the endpoints
    *("pandas", "numpy", "scipy", "matplotlib", "datasketch"),
    *("jinja2", "jsonschema", "referencing", "tiktoken", "py3langid"),
    *("starlette", "uvicorn", "safetensors", "llguidance", "torch", "transformers"),  # the embedded server's
}
CLIENT = {"openai", "aiohttp", "httpx2", "pydantic"}
PAGE = {"jinja2", "matplotlib", "numpy"}
"""What report.html is made with, once all has been asked."""
SCHEMAS = {"jsonschema", "referencing"}

HELP_CPU_S, RECORD_CPU_S, RUN_CPU_S, SDK_CPU_S = 0.25, 1.0, 3.0, 0.45
"""Processor seconds that --help, a recording and a run of one case with its report may take where the SDK
alone loads in SDK_CPU_S; where others work on the machine, and loading takes longer, the last two may take
longer in the same measure."""

TELL = """
import atexit, sys
from evalkit.cli import main
atexit.register(lambda: open(sys.argv[1], "w").write("\\n".join(sys.modules)))
sys.exit(main(sys.argv[2:]))
"""


def loaded(folder: Path, *argv: str) -> set[str]:
    """The heavy packages that a command has loaded when it ends."""
    told = folder / "modules.txt"
    done = subprocess.run(
        [sys.executable, "-c", TELL, str(told), *argv],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return HEAVY & {name.partition(".")[0] for name in told.read_text("utf-8").splitlines()}


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def write_suite(folder: Path, check: str = "contains: Oslo", more: str = "") -> None:
    """A suite of one case, called `one`."""
    case = json.dumps({"ask": "What is the capital of Norway?", "answer": "Oslo"})
    (folder / "one").mkdir()
    (folder / "one" / "suite.yaml").write_text(f"cases:\n  - {case}\nchecks:\n  - {check}\n{more}", "utf-8")


def run_of(server: Loopback | str, *flags: str) -> tuple[str, ...]:
    """The command line of a run of that suite, with one variant, of a model whose encoding nobody knows."""
    place = server if isinstance(server, str) else server.base_url
    return ("run", "one", "--base", f"plain@{place}", "--variants", "base", "--no-gate", *flags)


@pytest.mark.parametrize(
    "argv",
    [
        ["--help"],
        ["run", "--help"],
        ["ask", "--help"],
        ["tune", "list", "--help"],
        ["checks", "contains"],
        run_of("http://127.0.0.1:9/v1", "--collect-only"),
        run_of("http://127.0.0.1:9/v1", "--dry-run"),
    ],
    ids=" ".join,
)
def test_what_asks_nothing_loads_nothing_heavy(argv: list[str], tmp_path: Path) -> None:
    """Neither the client of the endpoints nor any package that only some suites need."""
    write_suite(tmp_path)
    assert loaded(tmp_path, *argv) == set()


@pytest.mark.parametrize(
    ("check", "more", "needed"),
    [
        ("contains: capital", "", set()),
        ("json_schema: {}", "", SCHEMAS),
        ("length: {max: 9, unit: words}", "", set()),
        ("language: en", "", {"py3langid"}),
    ],
    ids=["contains", "json_schema", "words", "language"],
)
def test_a_run_loads_what_its_suite_needs(
    check: str, more: str, needed: set[str], tmp_path: Path, loopback: Loopback
) -> None:
    """From the first question to the report's last line: no pandas, nor scipy where nothing is gated."""
    write_suite(tmp_path, check, more)
    (tmp_path / "one" / "train.jsonl").write_text('{"ask": "Capital of Peru?", "answer": "Lima"}\n', "utf-8")
    assert loaded(tmp_path, *run_of(loopback)) == CLIENT | PAGE | needed


def test_counting_tokens_loads_the_encodings(tmp_path: Path, loopback: Loopback) -> None:
    """And nothing else does."""
    write_suite(tmp_path, "length: {max: 9, unit: tokens}")
    counted = [part.replace("plain@", "evalkit-tiny@") for part in run_of(loopback)]
    assert loaded(tmp_path, *counted) == CLIENT | PAGE | {"tiktoken"}


def cpu_s(folder: Path, *python: str) -> float:
    """Processor seconds of a Python process, the system's included."""
    process = subprocess.Popen(
        [sys.executable, *python],
        cwd=folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return used.ru_utime + used.ru_stime


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="only POSIX systems tell what a process used")
def test_the_first_word_comes_soon(tmp_path: Path, loopback: Loopback) -> None:
    """--help, a recording, a run of one case with its report: in their processor time; the least of three."""
    write_suite(tmp_path)
    into = ("--no-cache", "--out", "recorded.jsonl")
    commands = {
        "help": ("-m", "evalkit", "--help"),
        "record": ("-m", "evalkit", "record", "one", "--model", f"plain@{loopback.base_url}", *into),
        "run": ("-m", "evalkit", *run_of(loopback, "--no-cache")),
        "sdk": ("-c", "import openai, aiohttp"),
    }
    least = {name: min(cpu_s(tmp_path, *argv) for _ in range(3)) for name, argv in commands.items()}
    assert least["help"] <= HELP_CPU_S
    slower = max(1, least["sdk"] / SDK_CPU_S)
    assert least["record"] <= RECORD_CPU_S * slower
    assert least["run"] <= RUN_CPU_S * slower
