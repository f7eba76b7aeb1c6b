"""records.jsonl, read for figures: fast, one record at a time, and no more of each than figures need."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, TypeVar

import msgspec

from evalkit.errors import UsageError
from evalkit.run.codec import passed as all_of
from evalkit.run.codec import record_to_json
from evalkit.run.records import Record
from evalkit.run.store import RECORDS, SUPERSEDED

BUFFER_BYTES = 1 << 20


class RowVerdict(msgspec.Struct, frozen=True, gc=False):
    """What figures need of a verdict."""

    check: str
    kind: Literal["property", "correctness"]
    passed: bool | None
    value: Any = None
    reason: str = ""


class RowResponse(msgspec.Struct, frozen=True, gc=False):
    """What figures need of an answer."""

    text: str | None = None


class RowUsage(msgspec.Struct, frozen=True, gc=False):
    """Tokens as the server counted them; None where it did not say."""

    prompt_tokens: float | None = None
    completion_tokens: float | None = None


class RowError(msgspec.Struct, frozen=True, gc=False):
    """Why a case could not be asked."""

    type: str
    message: str


class RowJudge(msgspec.Struct, frozen=True, gc=False):
    """What figures need of the judge's account."""

    possibly_billed: int = 0


class Row(msgspec.Struct, frozen=True, gc=False):
    """A record as figures see it: members of the published shape, by their names, the others unread.

    Those with a default may be missing: earlier versions did not write them.
    """

    suite: str
    case: str
    variant: str
    repeat: int
    response: RowResponse | None
    verdicts: tuple[RowVerdict, ...]
    cost_usd: float | None
    latency_ms: float | None
    cached: bool
    error: RowError | None
    at: str = ""
    usage: RowUsage = RowUsage()
    ttft_ms: float | None = None
    attempts: int = 1
    possibly_billed: int = 0
    judge: RowJudge = RowJudge()

    @property
    def answered(self) -> bool:
        """Whether an answer came: a record without one is in no rate, mean or latency."""
        return self.response is not None and self.error is None

    @property
    def passed(self) -> bool | None:
        """Over all verdicts; None without an answer, or where one could not be read and none failed."""
        return all_of(self.verdicts) if self.answered else None


R = TypeVar("R", bound=Row)


class Rows(Generic[R]):
    """The records of a run as they were when its file was opened, in the order of writing.

    They can be gone through several times, one time after the other, and are the same each time, though the
    run may still be writing. A last line that was cut short is left out.

    Args:
        file: records.jsonl, opened for reading bytes; None where a run has none yet.
        kind: what is read of each.
    """

    def __init__(self, file: BinaryIO | None, kind: type[R]):
        self._file, self._kind = file, kind
        self._decode = msgspec.json.Decoder(kind).decode
        self._end = 0 if file is None else os.fstat(file.fileno()).st_size

    def __iter__(self) -> Iterator[R]:
        """Raises UsageError: a line in the middle is damaged, or the file cannot be read."""
        if self._file is None:
            return
        try:
            self._file.seek(0)
            yield from self._read(self._file)
        except OSError as fault:
            raise UsageError(f"{self._file.name}: cannot be read: {fault.strerror}") from fault

    def _read(self, file: BinaryIO) -> Iterator[R]:
        end = 0
        for number, line in enumerate(file, 1):
            end += len(line)
            if end > self._end or not line.endswith(b"\n"):
                return
            yield self._row(line, file.name, number)

    def _row(self, line: bytes, path: str, number: int) -> R:
        try:
            return self._decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _otherwise(line, self._kind, path, number)


def open_rows(folder: Path) -> AbstractContextManager[Rows[Row]]:
    """The records of a run, to be gone through within the `with` block; none where the file is missing.

    Raises:
        UsageError: the file cannot be read.
    """
    return _opened(folder / RECORDS, Row)


def open_rows_as(folder: Path, kind: type[R]) -> AbstractContextManager[Rows[R]]:
    """The same, with more of each record than figures need: what `kind` adds to Row."""
    return _opened(folder / RECORDS, kind)


def superseded(folder: Path) -> tuple[Row, ...]:
    """Records in whose place others came when the run went on, though they may have been charged.

    Raises:
        UsageError: their file cannot be read.
    """
    with _opened(folder / SUPERSEDED, Row) as rows:
        return tuple({(row.suite, row.case, row.variant, row.repeat, row.at): row for row in rows}.values())


@contextmanager
def _opened(path: Path, kind: type[R]) -> Iterator[Rows[R]]:
    if not path.exists():
        yield Rows(None, kind)
        return
    try:
        file = path.open("rb", BUFFER_BYTES)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from fault
    with file:
        yield Rows(file, kind)


def row_of(record: Record) -> Row:
    """The same of a record that is in memory."""
    return msgspec.convert(record_to_json(record), Row)


def _otherwise(line: bytes, kind: type[R], path: str, number: int) -> R:
    """By the standard library, which knows lone surrogates and NaN too: models write the strangest things."""
    try:
        return msgspec.convert(json.loads(line), kind)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise UsageError(f"{path}:{number}: damaged record ({fault}); delete the line") from fault
