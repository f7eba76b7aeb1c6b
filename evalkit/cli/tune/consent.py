"""Asking before something costs money or is gone for good."""

from __future__ import annotations

import sys

from evalkit.errors import UsageError


def agreed(question: str, *, yes: bool) -> bool:
    """Whether the user wants it: said with --yes, or typed on the terminal.

    Raises:
        UsageError: nobody can be asked.
    """
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"{question} There is no terminal to ask on: give --yes if you want it")
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")
