"""`evalkit tune cancel`."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.tune.act import act


def main(argv: Sequence[str]) -> int:
    """Cancel one job."""
    return act("cancel", "End a job. What it has learned so far is lost, except for its checkpoints.", argv)
