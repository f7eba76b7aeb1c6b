"""Which run is meant."""

from __future__ import annotations

from pathlib import Path

from evalkit.errors import UsageError
from evalkit.run import RunOptions, latest


def run_folder(run: Path | None) -> Path:
    """The run's own folder, which `latest` may no longer lead to when the run is to be gone on with.

    Args:
        run: as it was named; None is the newest.

    Raises:
        UsageError: there is no run yet.
    """
    run = run or RunOptions().out / "latest"
    if run.name != "latest":
        return run
    newest = latest(run.parent)
    if newest is None:
        raise UsageError(f"{run.parent}: no run there yet; evalkit run makes one, or name a run's folder")
    return run.parent / newest.name
