"""`evalkit dataset split`: a training file in two, with nothing on both sides."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from tabulate import tabulate

from evalkit.cli.arguments import Parser, count_from
from evalkit.cli.dataset.common import Reading, add_threshold, refuse_existing, write_lines
from evalkit.cli.exit_codes import Exit
from evalkit.dataset.examples import ExampleFile
from evalkit.dataset.split import Split, split
from evalkit.errors import UsageError
from evalkit.report.escape import printable

EXAMPLE = """\
  evalkit dataset split data.jsonl                    data.train.jsonl and, a fifth of it, data.test.jsonl
  evalkit dataset split data.jsonl --test 100 --out parts --seed 7

Lines are written as they stand, in their order. On one side together are: near-duplicates, examples with the
same question, and those with the same "group". Each of the "tags" has its share on both sides. The same lines
and seed give the same split."""


def main(argv: Sequence[str]) -> int:
    """Split, write, and say what was done."""
    given = _parser().parse_args(argv)
    files = _files(given.file, given.out)
    refuse_existing(files, force=given.force)
    with closing(ExampleFile(given.file)) as examples:
        if len(examples) < 2:
            raise UsageError(f"{given.file}: found {len(examples)} examples; write at least two")
        share = given.test if given.test < 1 else given.test / len(examples)
        found = split(Reading(examples), share, given.seed, given.threshold)
        for file, places in zip(files, _sides(found), strict=True):
            write_lines(file, (examples.raw(place) for place in places))
    print(_summary(found, files, given.threshold))
    return Exit.OK


def _parser() -> argparse.ArgumentParser:
    made = Parser("dataset split", "Split a training file into training and test data.", EXAMPLE)
    add = made.add_argument
    add("file", type=Path, metavar="FILE", help="examples, one JSON object a line")
    add("--test", type=_share, default=0.2, metavar="X", help="a share below 1, or a number (default 0.2)")
    add("--seed", type=count_from(0), default=0, metavar="N", help="of the draw (default 0)")
    add("--out", type=Path, metavar="DIR", help="where both are written (default: beside FILE)")
    add("--force", action="store_true", help="overwrite them if they exist")
    add_threshold(made)
    return made


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf") or (value >= 1 and not value.is_integer()):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, write a share such as 0.2, or a number such as 100"
        )
    return value


def _files(file: Path, out: Path | None) -> tuple[Path, Path]:
    folder = out or file.parent
    return folder / f"{file.stem}.train.jsonl", folder / f"{file.stem}.test.jsonl"


def _sides(found: Split) -> tuple[list[int], list[int]]:
    places = range(len(found.groups))
    return [place for place in places if place not in found.test], sorted(found.test)


def _summary(found: Split, files: Sequence[Path], threshold: float) -> str:
    total, test = len(found.groups), len(found.test)
    rows = [(printable(tag) or "(no tag)", *counts) for tag, counts in found.by_tag().items()]
    rows.append(("all", total - test, test))
    table = tabulate(rows, ("", "train", "test"), tablefmt="plain", colalign=("left", "right", "right"))
    written = (f"wrote {file}" for file in files)
    return "\n".join((table, "", _kept_together(found.together, total, threshold), *written))


def _kept_together(sizes: Sequence[int], total: int, threshold: float) -> str:
    alike = f"similarity {threshold:g} and more"
    if not sizes:
        return f"no two of {total:,} examples are near-duplicates ({alike}), or of one group"
    groups = "1 group" if len(sizes) == 1 else f"{len(sizes):,} groups"
    return (
        f"{sum(sizes):,} of {total:,} examples stand in {groups} of near-duplicates ({alike}), same question "
        f"or same group field: each was kept on one side; the largest has {sizes[0]:,}"
    )
