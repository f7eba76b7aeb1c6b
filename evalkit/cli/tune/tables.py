"""Tables of at most 100 columns; what a server wrote is made harmless."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from tabulate import tabulate

from evalkit.report.escape import clip, printable

UNKNOWN = "-"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], widest: Sequence[int]) -> str:
    """Rows under a head; cells are cut to the widths of `widest`."""
    cut = [[clip(cell(value), width) for value, width in zip(row, widest, strict=True)] for row in rows]
    return tabulate([list(head), *cut], tablefmt="plain", disable_numparse=True)


def pairs(rows: Iterable[tuple[str, Any]]) -> str:
    """A name and a value on each line."""
    return tabulate([(name, cell(value)) for name, value in rows], tablefmt="plain", disable_numparse=True)


def cell(value: Any) -> str:
    """One value: `-` where it is unknown."""
    if value is None or value == "":
        return UNKNOWN
    return printable(f"{value:.4g}" if isinstance(value, float) else str(value))


def moment(seconds: int | None) -> str | None:
    """Seconds since 1970 as `2026-11-22 14:03:09Z`."""
    return None if seconds is None else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%SZ}"


def as_json(value: Any) -> str:
    """For scripts."""
    return json.dumps(value, indent=2, ensure_ascii=False)
