"""What is missing of a run, and how to go on."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalkit.comparison import Comparison, SuiteFigures
from evalkit.report.model import Planned
from evalkit.run.recorded import all_recorded, recorded_variants
from evalkit.run.store import at_work

Info = dict[str, Any]

STATUS = {"running": "killed", "budget": "stopped at --max-cost", "maxfail": "stopped by -x or --maxfail"}
"""In words, where run.json's do not speak for themselves; "running" is what a killed run leaves there."""


def planned_records(info: Info) -> Planned:
    """Every variant of a suite is asked all its cases; nothing where that is not what the plan adds up to.

    It does not where another version of evalkit wrote run.json, or where an old run was graded anew.
    """
    plan = info["plan"]
    planned = {
        suite: dict.fromkeys(plan["variants"][suite], found["cases"] * plan["repeat"])
        for suite, found in plan.get("suites", {}).items()
        if suite in plan["variants"]
    }
    total = sum(sum(of_suite.values()) for of_suite in planned.values())
    return planned if total == plan.get("records") and "regraded_from" not in info else {}


def incomplete(info: Info, comparison: Comparison, planned: Planned, folder: Path) -> Iterator[str]:
    """Sentences on records that are missing; none where a finished run has all.

    Args:
        info: run.json.
        planned: as of `planned_records`.
        folder: the run's, where a lock tells whether it is still under way.
    """
    found = sum(row.records for row in comparison.total)
    due = sum(sum(of_suite.values()) for of_suite in planned.values())
    status = info["status"]
    if found < due or status != "finished":
        ended = f" ({_status(status, folder)})" if status != "finished" else ""
        missing = f" {due - found:,} of {due:,} records are missing;" if found < due else ""
        yield f"This run is not complete{ended}:{missing} its figures are of what was asked."
        yield from _by_suite(comparison, planned)


def remedy(info: Info, comparison: Comparison, planned: Planned, folder: Path) -> str | None:
    """How to get what is missing or could not be asked, in a line; None where nothing is to be done."""
    lost = {row.variant for row in comparison.total if row.errors}
    part = any(incomplete(info, comparison, planned, folder))
    if not (lost or part) or _under_way(info["status"], folder):
        return None
    if lost and (all_recorded(info) or (not part and lost <= recorded_variants(info))):
        return "Answers are missing in the file: record them, or leave the cases out with -k"
    if "regraded_from" in info:
        first = shlex.quote(info.get("regraded_origin") or info["regraded_from"])
        again = f"evalkit regrade {first}"
        asked = f"To go on: evalkit run --resume {first}, then {again}"
        whole_before = info.get("regraded_status", "finished") == "finished"
        return f"To grade again what is left: {again}" if whole_before and not lost else asked
    return f"To go on: evalkit run --resume {shlex.quote(str(folder))}"


def _under_way(status: str, folder: Path) -> bool:
    return status == "running" and at_work(folder)


def _status(status: str, folder: Path) -> str:
    return "still under way" if _under_way(status, folder) else STATUS.get(status, status)


def _by_suite(comparison: Comparison, planned: Planned) -> Iterator[str]:
    """`cities, not asked: base 12 of 128, ft 24 of 128.`"""
    figures = {suite.name: suite for suite in comparison.suites}
    for suite, due in planned.items():
        found = _records(figures.get(suite))
        left = {variant: count - found.get(variant, 0) for variant, count in due.items()}
        short = [f"{variant} {left[variant]:,} of {due[variant]:,}" for variant in due if left[variant] > 0]
        if short:
            yield f"{suite}, not asked: {', '.join(short)}."


def _records(suite: SuiteFigures | None) -> dict[str, int]:
    return {row.variant: row.records for row in suite.rows} if suite else {}
