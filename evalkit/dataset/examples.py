"""A training file as a sequence of conversations, each read when it is asked for: the file may be large."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, overload

from evalkit.dataset.conversation import Conversation, NotExample, conversation
from evalkit.dataset.lines import MAX_LINE_BYTES
from evalkit.dataset.reading import read
from evalkit.errors import InputError


class ExampleFile(Sequence[Conversation]):
    """The examples of a JSONL file, blank lines left out. Only their places are kept in memory.

    Args:
        path: the file; it must not change while it is in use.

    Raises:
        InputError: the file cannot be read, or a line is too long. Reading an example raises it for a line
            that is none.
    """

    def __init__(self, path: Path):
        self.path = path
        self.numbers, self._starts = _filled_lines(path)  # the numbers counted from 1
        self._file = _opened(path)

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Conversation: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Conversation]: ...
    def __getitem__(self, place: int | slice) -> Conversation | Sequence[Conversation]:
        """An example by its place, counted from 0."""
        if isinstance(place, slice):
            return [self[i] for i in range(*place.indices(len(self)))]
        try:
            return conversation(_value(self.raw(place)))
        except NotExample as fault:
            what = f"{fault} (evalkit dataset check {self.path} shows all that is wrong)"
            raise InputError(what, file=self.path, line=self.numbers[place]) from fault

    def raw(self, place: int) -> bytes:
        """A line byte for byte, with its line ending if it has one."""
        self._file.seek(self._starts[place])
        return self._file.readline()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def _filled_lines(path: Path) -> tuple[array[int], array[int]]:
    """The numbers of the lines that are not blank, and where in the file each begins."""
    numbers, starts, start = array("q"), array("q"), 0
    with _opened(path) as file:
        for number, raw in enumerate(iter(lambda: file.readline(MAX_LINE_BYTES + 1), b""), start=1):
            if len(raw) > MAX_LINE_BYTES:
                what = f"has more than {MAX_LINE_BYTES >> 20} MiB; write one example on each line"
                raise InputError(what, file=path, line=number)
            if raw.strip():
                numbers.append(number)
                starts.append(start)
            start += len(raw)
    return numbers, starts


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as fault:
        raise InputError(f"cannot be read: {fault.strerror}", file=path) from fault


def _value(raw: bytes) -> Any:
    reading = read(raw)
    if not reading.readable:
        (fault,) = reading.faults
        where = f"column {fault.column}: " if fault.column else ""
        raise NotExample(f"{where}{fault.message}; {fault.remedy}")
    return reading.value
