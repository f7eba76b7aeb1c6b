"""What the subcommands that compare and write examples have in common."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from tqdm import tqdm

from evalkit.dataset.conversation import Conversation
from evalkit.dataset.near import THRESHOLD
from evalkit.errors import StorageError, UsageError


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """The flag --threshold."""
    parser.add_argument(
        "--threshold",
        type=_similarity,
        default=THRESHOLD,
        metavar="X",
        help=f"the least similarity of near-duplicates, as Jaccard's index (default {THRESHOLD:g})",
    )


def refuse_existing(files: Iterable[Path], *, force: bool) -> None:
    """See that nothing is overwritten that was not meant to be.

    Raises:
        UsageError: one of the files exists, and --force was not given.
    """
    there = [file for file in files if file.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} exists: give --force to overwrite it, or name another with --out")


def write_lines(file: Path, lines: Iterable[bytes]) -> None:
    """Write a file whole or not at all, its folder too; each line gets a line ending if it has none.

    Raises:
        StorageError: it cannot be written.
    """
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            stream.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
        part.replace(file)
    except OSError as fault:
        part.unlink(missing_ok=True)
        raise StorageError(f"{file}: cannot be written ({fault.strerror}); name another --out") from fault


def _similarity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"found {text!r}, write a number above 0 and up to 1, such as 0.8")
    return value


class Reading(Sequence[Conversation]):
    """Examples that show on stderr, if that is a terminal, how far they have been gone through."""

    def __init__(self, examples: Sequence[Conversation]):
        self._examples = examples

    def __len__(self) -> int:
        return len(self._examples)

    @overload
    def __getitem__(self, place: int) -> Conversation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Conversation]: ...
    def __getitem__(self, place: int | slice) -> Conversation | Sequence[Conversation]:
        return self._examples[place]

    def __iter__(self) -> Iterator[Conversation]:
        bar = tqdm(total=len(self), unit=" examples", disable=None, leave=False, delay=1.0, file=sys.stderr)
        with bar:
            for place in range(len(self)):
                yield self._examples[place]
                bar.update()
