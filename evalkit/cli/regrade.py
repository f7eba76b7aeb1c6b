"""`evalkit regrade`: check the stored answers of a run again."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalkit.cli.arguments import Parser, count_from, dollars_or_none
from evalkit.cli.embedded import reachable
from evalkit.cli.exit_codes import of_gate, of_outcome, weightiest
from evalkit.cli.github import harmless
from evalkit.cli.progress import Progress
from evalkit.config import LOCAL, Config, ModelFlags, judge_for, load_config
from evalkit.report.escape import printable
from evalkit.report.load import load_report
from evalkit.report.terminal import terminal
from evalkit.report.write import write_report
from evalkit.run import Record, RunOptions, latest, read_info
from evalkit.run.describe import begun
from evalkit.run.prepare import has_rubrics
from evalkit.run.regrade import regrade
from evalkit.run.store import RECORDS
from evalkit.suite import Suite, find_suites, load_suite

EXAMPLE = """\
  evalkit regrade reports/latest
  evalkit regrade reports/20261122T205113Z-20fcd1 --judge gpt-4.1 -v"""

DESCRIPTION = """\
Check the answers of RUN again, with the suites as they are now, into a new run folder: for when a check, a
threshold or a reference was wrong. No model is asked but the judge, whose old grades come from the cache. An
answer counts only for the question that it was given to: records whose case or prompt has changed since are
left out, counted and listed."""


class Grading(Progress):
    """The progress of checking again: answers were paid for before, judges alone cost something now."""

    def answered(self, record: Record) -> None:
        """Count one record."""
        super().answered(replace(record, cached=True))


def main(argv: Sequence[str]) -> int:
    """Check again, print the table, and give the exit code."""
    given = _parser().parse_args(argv)
    folder = _folder(given.run)
    flags, options = begun(folder)
    suites = _suites(read_info(folder), given.paths or options.paths)
    config = load_config(Path.cwd(), _judge_flags(flags, given.judge, given.base_url))
    options = RunOptions(
        concurrency=given.concurrency, max_cost=given.max_cost, use_cache=given.use_cache, out=given.out
    )
    progress = Grading(lambda _: "", quiet=given.verbosity < 0)
    needed = _asks_embedded(suites, config)
    with reachable(config, options.state, needed=needed) as config, closing(progress):
        progress.expect(_count(folder / RECORDS))
        outcome = asyncio.run(regrade(folder, suites, config, options, progress))
    report = load_report(outcome.folder)
    write_report(report, outcome.folder)
    print(harmless(terminal(report, given.verbosity)))
    print(f"Report and records: {outcome.folder}")
    if report.remedy:
        print(printable(report.remedy))
    return weightiest([of_outcome(outcome), of_gate(report.gate)])


def _parser() -> argparse.ArgumentParser:
    made = Parser("regrade", DESCRIPTION, EXAMPLE)
    add = made.add_argument
    add("run", type=Path, metavar="RUN", help="the run's folder, such as reports/latest")
    add("paths", nargs="*", metavar="PATH", help="its suites, where they have moved")
    add("--judge", metavar="M", help="the model that reads rubrics (default: as in RUN)")
    add("--base-url", metavar="URL", help="where a judge without an endpoint is asked")
    add("-n", dest="concurrency", type=count_from(1), default=16, metavar="N", help="judged at once (16)")
    add("--max-cost", type=dollars_or_none, default=5.0, metavar="USD", help="cap (default 5.00), or none")
    add("--no-cache", dest="use_cache", action="store_false", help="have the judge grade anew")
    add("--out", type=Path, default=Path("reports"), metavar="DIR", help="where the new folder is made")
    add("-q", dest="verbosity", action="store_const", const=-1, default=0, help="the tables only")
    add("-v", dest="verbosity", action="store_const", const=1, help="more failures, a rate for each check")
    return made


def _folder(run: Path) -> Path:
    """The run itself where `latest` is named, for that will soon be another."""
    newest = latest(run.parent) if run.name == "latest" else None
    return Path(os.path.relpath(newest)) if newest else run


def _suites(info: Mapping[str, Any], paths: Sequence[str]) -> tuple[Suite, ...]:
    """Those of the run, as they are now."""
    ran = info["plan"]["suites"]
    return tuple(load_suite(folder) for folder in find_suites(paths) if folder.resolve().name in ran)


def _judge_flags(flags: ModelFlags, judge: str | None, base_url: str | None) -> ModelFlags:
    """The run's flags, as far as they say who judges; what its answers came from is not read again."""
    kept = replace(flags, variants=(), candidate=None, baseline=None, responses=None)
    return replace(kept, judge=judge or flags.judge, base_url=base_url or flags.base_url)


def _asks_embedded(suites: Sequence[Suite], config: Config) -> bool:
    return any(judge_for(config, suite).endpoint == LOCAL for suite in suites if has_rubrics(suite))


def _count(records: Path) -> int:
    if not records.exists():
        return 0
    with records.open("rb") as file:
        return sum(1 for _ in file)
