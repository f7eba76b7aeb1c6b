"""A report into its run's folder: each file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from evalkit.errors import StorageError
from evalkit.report.csv import csv
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
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
    try:
        _write_beside(path, text.encode("utf-8", "backslashreplace"))
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(
            f"{path}: cannot be written ({reason}): free or unlock it, or give --out DIR"
        ) from error


def _write_beside(path: Path, data: bytes) -> None:
    """Through a temporary file in the same folder, so that a reader never meets half of it."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except OSError:
        Path(part).unlink(missing_ok=True)
        raise
