"""A run's folder -> Report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evalkit.comparison import Pair, compare
from evalkit.report.asked import asked_lines, plan_line
from evalkit.report.model import Asked, Report
from evalkit.report.notes import notes
from evalkit.run import read_info, read_records
from evalkit.run.estimate import Estimate
from evalkit.run.leaks import leaked_cases


def load_report(folder: Path) -> Report:
    """Work out all figures anew from the records on disk.

    Raises:
        UsageError: `folder` holds no run, or a damaged one.
    """
    info = read_info(folder)
    pairs = {suite: Pair(*pair) for suite, pair in info["gate"].items()}
    comparison = compare(read_records(folder), pairs, leaked_cases(info))
    plan = plan_line(Estimate(**info["estimate"]), info["options"]["max_cost"])
    return Report(folder.name, _asked(info), plan, comparison, notes(info, comparison))


def _asked(info: dict[str, Any]) -> tuple[Asked, ...]:
    variants = [
        (variant["name"], variant["model"], variant["endpoint"])
        for found in info["plan"]["variants"].values()
        for variant in found.values()
    ]
    places = {name: (at["base_url"], at["api_key_env"]) for name, at in info["endpoints"].items()}
    return asked_lines(variants, places)
