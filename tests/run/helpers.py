"""Suites, configurations and an observer for tests of runs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from evalkit.config import Config, ModelFlags, load_config
from evalkit.run.options import RunOptions
from evalkit.run.outcome import Outcome
from evalkit.run.plan import Plan
from evalkit.run.records import Record
from evalkit.run.run import run
from evalkit.run.store import read_records
from evalkit.suite import Suite, load_suite
from tests.loopback import Loopback

WORDS = ("oslo", "rome", "lima", "cairo", "quito", "paris", "accra", "delhi")


class Watching:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.plans: list[Plan] = []
        self.records: list[Record] = []
        self.notes: list[str] = []

    def planned(self, plan: Plan) -> None:
        """Keep the plan."""
        self.plans.append(plan)

    def answered(self, record: Record) -> None:
        """Keep the record."""
        self.records.append(record)

    def note(self, text: str) -> None:
        """Keep the note."""
        self.notes.append(text)


def write_suite(folder: Path, words: Iterable[str] = WORDS, more: str = "") -> Suite:
    """A suite that wants each word in capitals, which tests' servers give only under a system message."""
    folder.mkdir(parents=True, exist_ok=True)
    cases = "".join(f"  - {{id: {word}, ask: {word}, answer: {word.upper()}}}\n" for word in words)
    text = f"prompt: Answer in capitals.\ncases:\n{cases}checks:\n  - equals\n{more}"
    (folder / "suite.yaml").write_text(text, "utf-8")
    return load_suite(folder)


def config_for(folder: Path, server: Loopback | str, *variants: str, toml: str = "") -> Config:
    """Base, prompted and ft, all asked of one server."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "evalkit.toml").write_text(toml, "utf-8")
    place = server if isinstance(server, str) else server.base_url
    flags = ModelFlags(base=f"plain@{place}", ft=f"tuned@{place}", variants=variants)
    return load_config(folder, flags, {})


def options_for(folder: Path, **changes: object) -> RunOptions:
    """Everything under one folder."""
    return RunOptions(**{"out": folder / "reports", "state": folder / ".evalkit", **changes})  # type: ignore[arg-type]


def run_in(
    folder: Path, suite: Suite, config: Config, watching: Watching | None = None, **changes: object
) -> tuple[Outcome, list[Record]]:
    """Run one suite; the outcome, and the records as they are on disk."""
    outcome = run([suite], config, options_for(folder, **changes), watching or Watching())
    return outcome, list(read_records(outcome.folder))
