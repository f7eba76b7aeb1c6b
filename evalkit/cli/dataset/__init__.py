"""`evalkit dataset`: training data, from the first check to the upload. A subcommand is one file."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from evalkit.cli.exit_codes import Exit
from evalkit.errors import UsageError

SUBCOMMANDS = {
    "check": "what is wrong with a training file, and how large it is",
    "cost": "what training on it costs, and from how many calls on it pays",
    "split": "training and test data, with near-duplicates kept on one side",
    "leaks": "training examples that stand in a suite's held-out cases",
    "build": "a training file from the answers of a run",
}


def main(argv: Sequence[str]) -> int:
    """Run one subcommand and give its exit code."""
    name, rest = (argv[0], argv[1:]) if argv else ("--help", [])
    if name in ("-h", "--help"):
        print(_help())
        return Exit.OK
    if name not in SUBCOMMANDS:
        raise UsageError(f"unknown command dataset {name!r}{_similar(name)}; see evalkit dataset --help")
    code: int = import_module(f"evalkit.cli.dataset.{name}").main(rest)
    return code


def _help() -> str:
    width = max(map(len, SUBCOMMANDS))
    listed = "\n".join(f"  {name:{width}}  {what}" for name, what in SUBCOMMANDS.items())
    return (
        "usage: evalkit dataset COMMAND [...]\n\n"
        "Training data: examples, one JSON object a line, as OpenAI's fine-tuning takes them.\n\n"
        f"commands:\n{listed}\n\n"
        "example:\n  evalkit dataset check train.jsonl --model gpt-4.1-mini"
    )


def _similar(name: str) -> str:
    found = get_close_matches(name, SUBCOMMANDS, n=1)
    return f", did you mean {found[0]}?" if found else ""
