"""The lines of a training file, read in blocks, so that a file of any size fits into memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20
"""An example with pictures may be this long; of a longer line only the beginning is kept."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands in the file, without its line ending; counted from 1."""

    number: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Block:
    """Whole lines, the first of which has the number `first`."""

    first: int
    data: bytes

    def lines(self) -> Iterator[Line]:
        r"""The lines; `\n`, `\r\n` and `\r` each end one, as in Python's text files."""
        for number, raw in enumerate(self.data.splitlines(), self.first):
            yield Line(number, raw)


def read_lines(path: Path) -> Iterator[Line]:
    """Every line of a file, blank ones included.

    A line of more than MAX_LINE_BYTES comes cut, and is still longer than MAX_LINE_BYTES.

    Raises:
        OSError: the file cannot be read.
    """
    for block in read_blocks(path):
        yield from block.lines()


def read_blocks(path: Path) -> Iterator[Block]:
    """The file in blocks of about BLOCK_BYTES, cut between lines.

    Raises:
        OSError: the file cannot be read.
    """
    first, rest = 1, b""
    with path.open("rb") as file:
        while data := file.read(
            max(BLOCK_BYTES, len(rest))
        ):  # doubling keeps a huge line from costing its square
            data = rest + data
            end = _end_of_last_line(data)
            if end:
                yield Block(first, data[:end])
                first += len(data[:end].splitlines())
            rest = data[end:][: MAX_LINE_BYTES + 1]
    if rest:
        yield Block(first, rest)


def _end_of_last_line(data: bytes) -> int:
    r"""Where the last whole line ends; a `\r` at the very end may be half of a `\r\n`."""
    return max(data.rfind(b"\n"), data.rfind(b"\r", 0, -1)) + 1
