"""What a command tells GitHub, where it is run by GitHub Actions."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # no other machine needs what is told to GitHub
    from evalkit.report.model import Report

SUMMARY = "GITHUB_STEP_SUMMARY"
"""The variable that names the file of the step's summary."""


def tell_github(report: Report) -> None:
    """Append the report to the job summary, if there is one, and print annotations, on GitHub Actions."""
    if path := os.environ.get(SUMMARY):
        _summarize(report, Path(path))
    if on_github():
        from evalkit.report.github import github_annotations

        for line in github_annotations(report):
            print(line)


def on_github() -> bool:
    """Whether a runner of GitHub Actions reads what is printed."""
    return os.environ.get("GITHUB_ACTIONS") == "true"


def harmless(text: str) -> str:
    """What may be printed of a report: on GitHub nothing in it is taken for a workflow command."""
    if not on_github():
        return text
    from evalkit.report.github import defused

    return defused(text)


def _summarize(report: Report, path: Path) -> None:
    """A summary that cannot be written is said, and stops nothing: the verdict stands in the exit code."""
    from evalkit.report.github import SUMMARY_BYTES, github_summary

    try:
        taken = path.stat().st_size if path.exists() else 0
        with path.open("a", encoding="utf-8") as file:
            file.write(github_summary(report, SUMMARY_BYTES - taken))
    except OSError as fault:
        print(f"evalkit: {SUMMARY}: {path}: cannot be written ({fault.strerror})", file=sys.stderr)
