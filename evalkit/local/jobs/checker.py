"""The process that reads a job's files before it is queued: large ones must not hold up the server's answers.

    python -m evalkit.local.jobs.checker

It reads one line of JSON (`Files`) and writes one: {"kind": "checked", "examples": 96}, or `failed` as a
worker does.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from evalkit.local.jobs.process import report, take_order
from evalkit.local.jobs.training_file import BadTrainingFile, count_examples
from evalkit.local.rows import Method


@dataclass(frozen=True, slots=True)
class Files:
    """What to read. Paths as texts, since it travels as JSON."""

    training_file: str
    validation_file: str | None
    method: Method


def main() -> int:
    """Check the files named on stdin."""
    files = Files(**take_order())
    try:
        examples = count_examples(Path(files.training_file), files.method)
        if files.validation_file:
            count_examples(Path(files.validation_file), files.method, "validation_file", fewest=1)
    except BadTrainingFile as fault:
        report("failed", code=fault.code, message=fault.message, param=fault.param)
    else:
        report("checked", examples=examples)
    return 0


if __name__ == "__main__":
    sys.exit(main())
