"""What the subcommands that compare examples have in common."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from typing import overload

from tqdm import tqdm

from evalkit.dataset.conversation import Conversation
from evalkit.dataset.near import THRESHOLD


def add_threshold(parser: argparse.ArgumentParser) -> None:
    """The flag --threshold."""
    parser.add_argument(
        "--threshold",
        type=_similarity,
        default=THRESHOLD,
        metavar="X",
        help=f"the least similarity of near-duplicates, as Jaccard's index (default {THRESHOLD:g})",
    )


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
