"""report.csv: a row a suite and variant, in full precision, for a spreadsheet or pandas."""

from __future__ import annotations

import csv as standard
import io
from typing import Any

from evalkit.report.escape import spreadsheet_safe
from evalkit.report.model import Report
from evalkit.report.summary import summary


def csv(report: Report) -> str:
    """The figures of summary.json as a table; suite `(all)` is over all of them; unknown is an empty cell."""
    found = summary(report)
    rows = [
        _cells(suite, variant, figures)
        for suite, of_suite in (*found["suites"].items(), ("(all)", found["all"]))
        for variant, figures in of_suite["variants"].items()
    ]
    return _table(rows)


def _cells(suite: str, variant: str, figures: dict[str, Any]) -> dict[str, Any]:
    low, high = figures.pop("pass_rate_95") or (None, None)
    names = {"suite": spreadsheet_safe(suite), "variant": spreadsheet_safe(variant)}
    return {**names, **figures, "pass_rate_low": low, "pass_rate_high": high}


def _table(rows: list[dict[str, Any]]) -> str:
    """With the columns of all rows: some stand in a few only."""
    columns = dict.fromkeys(column for row in rows for column in row)
    text = io.StringIO()
    writer = standard.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
