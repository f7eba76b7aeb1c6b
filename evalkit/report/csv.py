"""report.csv: a row a suite and variant, in full precision, for a spreadsheet or pandas."""

from __future__ import annotations

from typing import Any

import pandas as pd

from evalkit.comparison import VariantFigures
from evalkit.report.escape import spreadsheet_safe
from evalkit.report.model import Report
from evalkit.report.summary import variant_summary


def csv(report: Report) -> str:
    """The figures of summary.json as a table; suite `(all)` is over all of them; unknown is an empty cell."""
    suites = [(suite.name, row) for suite in report.comparison.suites for row in suite.rows]
    total = [("(all)", row) for row in report.comparison.total]
    table = pd.DataFrame([_cells(suite, row) for suite, row in suites + total])
    return table.to_csv(index=False, lineterminator="\n")


def _cells(suite: str, row: VariantFigures) -> dict[str, Any]:
    figures = variant_summary(row)
    low, high = figures.pop("pass_rate_95") or (None, None)
    names = {"suite": spreadsheet_safe(suite), "variant": spreadsheet_safe(row.variant)}
    return {**names, **figures, "pass_rate_low": low, "pass_rate_high": high}
