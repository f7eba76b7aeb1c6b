"""Records -> figures: per suite and variant, and over all suites. All are computed from the records.

A table of records for notebooks is made in `evalkit.comparison.table`, which loads pandas.
"""

from evalkit.comparison.model import Comparison, FailedCase, Leaks, Pair, SuiteFigures, VariantFigures
from evalkit.comparison.suites import Leaked, compare, compare_rows

__all__ = [
    "Comparison",
    "FailedCase",
    "Leaked",
    "Leaks",
    "Pair",
    "SuiteFigures",
    "VariantFigures",
    "compare",
    "compare_rows",
]
