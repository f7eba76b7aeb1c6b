"""Columns of plain text."""

from __future__ import annotations

from collections.abc import Sequence

from tabulate import tabulate


def columns(rows: Sequence[Sequence[str]], align: str) -> str:
    """Rows as lines; `align` has a letter a column, `l` or `r`."""
    sides = {"l": "left", "r": "right"}
    return tabulate(rows, tablefmt="plain", colalign=[sides[side] for side in align], disable_numparse=True)
