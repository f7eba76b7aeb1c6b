"""`evalkit tune resume`."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.tune.act import act


def main(argv: Sequence[str]) -> int:
    """Resume one job."""
    return act("resume", "Let a paused job go on from where it was.", argv)
