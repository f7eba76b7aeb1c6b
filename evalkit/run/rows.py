"""records.jsonl, read for figures: fast, one record at a time, and no more of each than figures need."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal

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


class Rows:
    """The records of a run as they were when its file was opened, in the order of writing.

    They can be gone through several times, one time after the other, and are the same each time, though the
    run may still be writing. A last line that was cut short is left out.

    Args:
        file: records.jsonl, opened for reading bytes; None where a run has none yet.
    """

    def __init__(self, file: BinaryIO | None):
        self._file = file
        self._end = 0 if file is None else os.fstat(file.fileno()).st_size

    def __iter__(self) -> Iterator[Row]:
        """Raises UsageError: a line in the middle is damaged, or the file cannot be read."""
        if self._file is None:
            return
        try:
            self._file.seek(0)
            yield from self._read(self._file)
        except OSError as fault:
            raise UsageError(f"{self._file.name}: cannot be read: {fault.strerror}") from fault

    def _read(self, file: BinaryIO) -> Iterator[Row]:
        end = 0
        for number, line in enumerate(file, 1):
            end += len(line)
            if end > self._end or not line.endswith(b"\n"):
                return
            yield _row(line, file.name, number)


def open_rows(folder: Path) -> AbstractContextManager[Rows]:
    """The records of a run, to be gone through within the `with` block; none where the file is missing.

    Raises:
        UsageError: the file cannot be read.
    """
    return _opened(folder / RECORDS)


def superseded(folder: Path) -> tuple[Row, ...]:
    """Records in whose place others came when the run went on, though they may have been charged.

    Raises:
        UsageError: their file cannot be read.
    """
    with _opened(folder / SUPERSEDED) as rows:
        return tuple({(row.suite, row.case, row.variant, row.repeat, row.at): row for row in rows}.values())


@contextmanager
def _opened(path: Path) -> Iterator[Rows]:
    if not path.exists():
        yield Rows(None)
        return
    try:
        file = path.open("rb", BUFFER_BYTES)
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from fault
    with file:
        yield Rows(file)


def row_of(record: Record) -> Row:
    """The same of a record that is in memory."""
    return msgspec.convert(record_to_json(record), Row)


_decode = msgspec.json.Decoder(Row).decode


def _row(line: bytes, path: str, number: int) -> Row:
    try:
        return _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _row_otherwise(line, path, number)


def _readable(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose keys, unlike its values, msgspec must be able to encode."""
    return {key.encode(errors="replace").decode(): value for key, value in pairs}


def _row_otherwise(line: bytes, path: str, number: int) -> Row:
    """By the standard library, which knows lone surrogates and NaN too: models write the strangest things."""
    try:
        return msgspec.convert(json.loads(line, object_pairs_hook=_readable), Row)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise UsageError(f"{path}:{number}: damaged record ({fault}); delete the line") from fault
