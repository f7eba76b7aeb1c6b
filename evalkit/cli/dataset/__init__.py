"""`evalkit dataset`: training data, from the first check to the upload. A subcommand is one file."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.cli.commands import Commands

COMMANDS = Commands(
    package="evalkit.cli.dataset",
    called="evalkit dataset",
    table={
        "check": "what is wrong with a training file, and how large it is",
        "cost": "what training on it costs, and from how many calls on it pays",
        "split": "training and test data, with near-duplicates kept on one side",
        "leaks": "training examples that stand in a suite's held-out cases",
        "build": "a training file from the answers of a run",
    },
    help="""\
usage: evalkit dataset COMMAND [...]

Training data: examples, one JSON object a line, as OpenAI's fine-tuning takes them.

commands:
{commands}

example:
  evalkit dataset check train.jsonl --model gpt-4.1-mini""",
)


def main(argv: Sequence[str]) -> int:
    """Run one subcommand and give its exit code."""
    return COMMANDS.run(argv)
