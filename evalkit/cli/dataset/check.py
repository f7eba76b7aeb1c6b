"""`evalkit dataset check`: what is wrong with a training file, and how large it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from evalkit.cli.arguments import Parser
from evalkit.cli.dataset.check_text import report
from evalkit.cli.exit_codes import Exit
from evalkit.dataset.check import FEW, Check, CheckOptions, check_file
from evalkit.dataset.check_json import as_json
from evalkit.dataset.notebook import DEFAULT_MODEL
from evalkit.errors import InputError

EXAMPLE = """\
  evalkit dataset check train.jsonl                        counted as OpenAI's data-preparation script counts
  evalkit dataset check train.jsonl --model gpt-4.1-mini   by that model's encoding and limit
  evalkit dataset check train.jsonl --strict               exit 4 for warnings, too
  evalkit dataset check train.jsonl --json | jq .rules

Exit codes: 0 the file can be used, 4 it cannot. Fewer than 10 examples, examples that are cut off and the
like are warnings. The script's own counts are shown as it would print them; it is of 2023 and takes tool
calls for errors, which they are not."""

MOST_KEPT = 100_000
"""Findings of one rule that -v and --json show at most."""


def main(argv: Sequence[str]) -> int:
    """Check a file and print what was found."""
    given = _parser().parse_args(argv)
    keep = MOST_KEPT if given.verbose or given.json else FEW
    found = _checked(given.file, CheckOptions(given.model, keep))
    print(json.dumps(as_json(found), indent=2) if given.json else report(found))
    return Exit.BAD_INPUT if found.errors or (given.strict and found.warnings) else Exit.OK


def _parser() -> argparse.ArgumentParser:
    made = Parser("dataset check", "Check a training file, and count what the script prints.", EXAMPLE)
    add = made.add_argument
    add("file", type=Path, metavar="FILE", help="examples, JSONL; it is read once and nothing of it is sent")
    add(
        "--model",
        default=DEFAULT_MODEL,
        metavar="M",
        help=f"whose encoding and limit count (default {DEFAULT_MODEL}, the script's)",
    )
    add("--strict", action="store_true", help="warnings are errors")
    add("--json", action="store_true", help="all figures and findings as one JSON object")
    add("-v", dest="verbose", action="store_true", help="every finding, not the first of each rule")
    return made


def _checked(file: Path, options: CheckOptions) -> Check:
    with bar(file) as shown:
        return check_file(file, options, shown.update)


def bar(file: Path) -> tqdm[NoReturn]:
    """Progress over a file's bytes: on stderr, on a terminal only.

    Raises:
        InputError: there is no such file.
    """
    if not file.is_file():
        raise InputError("no such file", file=file)
    size = file.stat().st_size
    return tqdm(
        total=size, unit="B", unit_scale=True, disable=None, leave=False, file=sys.stderr, desc="checking"
    )
