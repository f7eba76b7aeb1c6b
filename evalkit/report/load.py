"""A run's folder -> Report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalkit.comparison import Pair, compare_rows
from evalkit.comparison.arms import arms_of, designs
from evalkit.comparison.money import money_of
from evalkit.comparison.noise import noise_floors
from evalkit.gate.run import AS_IT_IS, Changed, decisions
from evalkit.report.closing import closing_notes
from evalkit.report.heading import Asked, asked_lines, plan_line
from evalkit.report.incomplete import incomplete, planned_records, remedy
from evalkit.report.model import Report
from evalkit.report.noise import noise_notes
from evalkit.report.notes import notes
from evalkit.run import read_info
from evalkit.run.estimate import Estimate
from evalkit.run.gating import read_gating
from evalkit.run.leaks import leaked_cases
from evalkit.run.rows import open_rows, superseded
from evalkit.run.shape import check_shape
from evalkit.run.store import RUN


def load_report(folder: Path, changed: Changed = AS_IT_IS, calls_per_day: float | None = None) -> Report:
    """Work out all figures anew from the records on disk, in little memory, whether the run has ended or not.

    Args:
        folder: the run's.
        changed: other terms to decide by than the suites' own.
        calls_per_day: the volume at which break-even is told in days, in place of evalkit.toml's.

    Raises:
        UsageError: `folder` holds no run, or a damaged one.
    """
    info = read_info(folder)
    check_shape(info, folder / RUN)
    pairs = {suite: Pair(found.candidate, found.baseline) for suite, found in read_gating(info).items()}
    with open_rows(folder) as rows:
        comparison = compare_rows(rows, pairs, leaked_cases(info), superseded(folder))
        arms = arms_of(rows, designs(info))
        floors = noise_floors(rows) if info["plan"].get("repeat", 1) > 1 else {}
    planned = planned_records(info)
    return Report(
        run=folder.resolve().name,
        asked=_asked(info),
        plan=plan_line(Estimate(**info["estimate"]), info["options"]["max_cost"]),
        comparison=comparison,
        notes=(
            *incomplete(info, comparison, planned, folder),
            *closing_notes(info, datetime.now(UTC).date()),
            *noise_notes(floors, comparison),
            *notes(info, comparison),
        ),
        planned=planned,
        remedy=remedy(info, comparison, planned, folder),
        gate=decisions(folder, info, changed),
        arms=arms,
        money=money_of(info, comparison, calls_per_day),
    )


def _asked(info: dict[str, Any]) -> tuple[Asked, ...]:
    variants = [
        (variant["name"], variant["model"], variant["endpoint"])
        for found in info["plan"]["variants"].values()
        for variant in found.values()
    ]
    places = {name: (at["base_url"], at["api_key_env"]) for name, at in info["endpoints"].items()}
    return asked_lines(variants, places)
