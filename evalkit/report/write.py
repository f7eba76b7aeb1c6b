"""A report into its run's folder: each file whole or not at all."""

from __future__ import annotations

from pathlib import Path

from evalkit.report.csv import csv
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
from evalkit.report.replacing import replacing
from evalkit.report.summary import summary_json


def write_report(report: Report, folder: Path) -> None:
    """Write report.md, report.csv, report.html, junit.xml and summary.json.

    What loads plots or templates is loaded here, after all has been asked.

    Raises:
        StorageError: a file cannot be written; files that stood there before are untouched.
    """
    _replace(folder / "report.md", markdown(report))
    _replace(folder / "report.csv", csv(report))
    _replace(folder / "summary.json", summary_json(report))
    from evalkit.report.html import write_html
    from evalkit.report.junit import write_junit

    write_junit(report, folder, folder / "junit.xml")
    write_html(report, folder)


def _replace(path: Path, text: str) -> None:
    with replacing(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
