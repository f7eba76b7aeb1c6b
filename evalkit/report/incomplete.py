"""What is missing of a run, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.comparison import Comparison, SuiteFigures
from evalkit.report.model import Planned
from evalkit.run.recorded import all_recorded

STATUS = {
    "running": "still running, or killed",
    "budget": "stopped at --max-cost",
    "maxfail": "stopped by -x",
}
"""The words of run.json that do not speak for themselves."""


def incomplete(info: dict[str, Any], comparison: Comparison, planned: Planned, folder: Path) -> Iterator[str]:
    """Sentences on what was not asked; none where every case has its answer.

    Args:
        info: run.json.
        planned: empty where nobody knows it.
        folder: as it is to be named to go on.
    """
    resume = _resume(info, folder)
    missing, status = _missing(info, comparison), info["status"]
    errors = sum(row.errors for row in comparison.total)
    if missing or status != "finished":
        of = f" {missing:,} of {info['plan']['records']:,} records are missing;" if missing else ""
        ended = f" ({STATUS.get(status, status)})" if status != "finished" else ""
        yield f"This run is not complete{ended}:{of} its figures are of what was asked. To go on: {resume}"
        yield from _by_suite(comparison, planned)
    elif errors:
        records = sum(row.records for row in comparison.total)
        again = f"could not be asked. To ask them again: {resume}"
        yield f"{errors:,} of {records:,} {'have no answer in the file.' if all_recorded(info) else again}"


def _resume(info: dict[str, Any], folder: Path) -> str:
    """A run that checked the answers of another has nothing to ask with: that other one goes on."""
    begun = info.get("regraded_from")
    resume = f"evalkit run --resume {shlex.quote(begun or str(folder))}"
    return f"{resume}, then evalkit regrade {shlex.quote(begun)}" if begun else resume


def _missing(info: dict[str, Any], comparison: Comparison) -> int:
    """How many records; 0 where run.json, of an earlier version, does not say how many are due."""
    found = sum(row.records for row in comparison.total)
    due: int = info["plan"].get("records", found)
    return max(0, due - found)


def _by_suite(comparison: Comparison, planned: Planned) -> Iterator[str]:
    """`cities: base 12 of 128 not asked, ft 24 of 128`."""
    figures = {suite.name: suite for suite in comparison.suites}
    for suite, due in planned.items():
        found = _records(figures.get(suite))
        left = {variant: count - found.get(variant, 0) for variant, count in due.items()}
        short = [f"{variant} {left[variant]:,} of {due[variant]:,}" for variant in due if left[variant] > 0]
        if short:
            yield f"{suite}, not asked: {', '.join(short)}."


def _records(suite: SuiteFigures | None) -> dict[str, int]:
    return {row.variant: row.records for row in suite.rows} if suite else {}
