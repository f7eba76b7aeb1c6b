"""Cases that stay on disk: a position each is kept in memory, a line is read when it is asked for."""

from __future__ import annotations

import os
import weakref
from abc import ABC, abstractmethod
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import overload

from evalkit.errors import InputError
from evalkit.suite.cases import json_row
from evalkit.suite.document import Document
from evalkit.suite.files import Folder
from evalkit.suite.model import Case

ReadCase = Callable[[Document], Case]


class LazyCases(Sequence[Case], ABC):
    """Cases that are made when they are asked for, one by one: subclasses say how."""

    @abstractmethod
    def _at(self, index: int) -> Case:
        """The case at a place, counted from 0."""

    @overload
    def __getitem__(self, index: int) -> Case: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Case]: ...
    def __getitem__(self, index: int | slice) -> Case | Sequence[Case]:
        places = range(len(self))[index]
        return self._at(places) if isinstance(places, int) else Chosen(self, places)


class StoredCases(LazyCases):
    """The cases of a JSONL file: 24 bytes of memory each.

    A line that is not what it was when the file was read is refused: a case must not change under its id.

    Args:
        file: kept open, so that a file put in its place changes nothing.
        read: a line's document -> its case.
    """

    def __init__(self, file: Path, read: ReadCase):
        self._file, self._read = file, read
        self._starts, self._lengths, self._numbers = array("Q"), array("I"), array("I")
        self._marks = array("q")
        try:
            self._handle = os.open(file, os.O_RDONLY)
        except OSError as fault:
            raise InputError(f"cannot be read: {fault.strerror}", file=file) from fault
        weakref.finalize(self, os.close, self._handle)

    def scan(self, folder: Folder) -> Iterator[tuple[int, bytes]]:
        """Go through the whole file once, from its beginning: the number and the line of each case."""
        start = 0
        for number, line in enumerate(folder.lines(self._file), start=1):
            if line.strip():
                yield number, line
                self._starts.append(start)
                self._lengths.append(len(line))
                self._numbers.append(number)
                self._marks.append(hash(line))
            start += len(line)

    def rows(self, folder: Folder) -> Iterator[Document]:
        """`scan`, with the lines read: each document is that of the next case."""
        return (json_row(self._file, number, line) for number, line in self.scan(folder))

    def __len__(self) -> int:
        return len(self._starts)

    def _at(self, index: int) -> Case:
        number, line = self._numbers[index], os.pread(self._handle, self._lengths[index], self._starts[index])
        if hash(line) != self._marks[index]:
            raise InputError("has changed while it was in use; run again", file=self._file, line=number)
        return self._read(json_row(self._file, number, line))


class Chosen(LazyCases):
    """Some of the cases, in their order: 4 bytes of memory each.

    Args:
        cases: all of them.
        indexes: which.
    """

    def __init__(self, cases: Sequence[Case], indexes: Iterable[int]):
        self._cases, self._indexes = cases, array("I", indexes)

    def __len__(self) -> int:
        return len(self._indexes)

    def _at(self, index: int) -> Case:
        return self._cases[self._indexes[index]]
