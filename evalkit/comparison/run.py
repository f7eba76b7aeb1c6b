"""A run on disk, for notebooks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.comparison.model import Comparison, Pair
from evalkit.comparison.suites import compare_rows
from evalkit.errors import UsageError
from evalkit.run.gating import read_gating
from evalkit.run.leaks import leaked_cases
from evalkit.run.records import Record
from evalkit.run.rows import open_rows, superseded
from evalkit.run.store import latest, read_info, read_records

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, init=False)
class Run:
    """One run, finished or not: everything is read from its folder when it is asked for.

    Args:
        folder: under reports/, with run.json and records.jsonl.

    Raises:
        UsageError: of all methods: `folder` holds no run, or a damaged one.
    """

    folder: Path

    def __init__(self, folder: Path | str) -> None:
        object.__setattr__(self, "folder", Path(folder))

    @classmethod
    def latest(cls, out: Path | str = "reports") -> Run:
        """The newest run under `out`.

        Raises:
            UsageError: there is none yet.
        """
        found = latest(Path(out))
        if found is None:
            raise UsageError(f"{out}: no run there yet; evalkit run makes one")
        return cls(found)

    @property
    def info(self) -> dict[str, Any]:
        """run.json: everything needed to repeat the run."""
        return read_info(self.folder)

    def records(self) -> Iterator[Record]:
        """One by one, in the order of writing."""
        return read_records(self.folder)

    def frame(self) -> pd.DataFrame:
        """One row a record: see `evalkit.frame`; `leaked` is told."""
        from evalkit.comparison.table import frame

        return frame(self.records(), leaked_cases(self.info))

    def comparison(self) -> Comparison:
        """The figures of the report, by suite and variant."""
        info = self.info
        pairs = {suite: Pair(found.candidate, found.baseline) for suite, found in read_gating(info).items()}
        with open_rows(self.folder) as rows:
            return compare_rows(rows, pairs, leaked_cases(info), superseded(self.folder))
