"""`evalkit tune pause`."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.tune.act import act


def main(argv: Sequence[str]) -> int:
    """Pause one job."""
    return act("pause", "Let a job rest; it keeps what it has learned, and goes on with resume.", argv)
