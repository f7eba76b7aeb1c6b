"""argparse, so set that bad usage is a UsageError and every help ends in an example."""

from __future__ import annotations

import argparse
from typing import NoReturn

from evalkit.errors import UsageError


class Parser(argparse.ArgumentParser):
    """A parser for `evalkit COMMAND`.

    Args:
        command: the word behind `evalkit`.
        description: what it does, in a sentence.
        example: command lines that show it, one a line.
    """

    def __init__(self, command: str, description: str, example: str):
        super().__init__(
            prog=f"evalkit {command}".strip(),
            description=description,
            epilog=f"example:\n{example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )

    def error(self, message: str) -> NoReturn:
        """argparse would exit with 2, which stands for an interrupted run."""
        raise UsageError(f"{message}; see {self.prog} --help")


def count_from(least: int) -> argparse._ActionType:
    """A whole number of at least `least`."""

    def read(text: str) -> int:
        if not text.strip().lstrip("-").isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f"found {text!r}, write a whole number of at least {least}")
        return int(text)

    return read


def share(least: float, below: float) -> argparse._ActionType:
    """A number from `least` to below `below`."""

    def read(text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = -1.0
        if not least <= found < below:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, write a number from {least:g} to below {below:g}"
            )
        return found

    return read


def dollars_or_none(text: str) -> float | None:
    """`--max-cost`: an amount in USD, or `none`."""
    if text == "none":
        return None
    try:
        amount = float(text)
    except ValueError:
        amount = -1.0
    if not 0 <= amount < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, write USD such as 2.50, or none for no cap")
    return amount


def names(text: str) -> tuple[str, ...]:
    """`a,b` -> ("a", "b")."""
    found = tuple(name.strip() for name in text.split(","))
    if not all(found):
        raise argparse.ArgumentTypeError(f"found {text!r}, write names with commas between: base,ft")
    return found
