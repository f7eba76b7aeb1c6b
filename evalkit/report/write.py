"""A report into its run's folder: each file whole or not at all."""

from __future__ import annotations

from pathlib import Path

from evalkit.report.csv import csv
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
from evalkit.report.replacing import replacing
from evalkit.report.summary import summary_json


def write_report(report: Report, folder: Path) -> None:
    """Write report.md, report.csv and summary.json.

    Raises:
        StorageError: a file cannot be written; files that stood there before are untouched.
    """
    _replace(folder / "report.md", markdown(report))
    _replace(folder / "report.csv", csv(report))
    _replace(folder / "summary.json", summary_json(report))


def _replace(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
