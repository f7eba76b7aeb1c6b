"""Which recorded answer belongs to which case: an index on disk, for files of any length."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from evalkit.endpoints.recorded import NO_LINES, RecordedLine, parse_line, read_recorded
from evalkit.errors import InputError, StorageError

SHOWN = 10
"""So many of what has no partner are listed; all are counted."""

_TABLES = """
CREATE TABLE answers (start INTEGER PRIMARY KEY, line INTEGER, variant TEXT, suite TEXT, case_id TEXT,
                      question BLOB, nth INTEGER);
CREATE TABLE questions (suite TEXT, case_id TEXT, question BLOB);
CREATE TABLE matched (suite TEXT, case_id TEXT, start INTEGER);
CREATE TABLE found (suite TEXT, case_id TEXT, repeat INTEGER, start INTEGER, line INTEGER,
                    PRIMARY KEY (suite, case_id, repeat)) WITHOUT ROWID;
"""

_MATCH = """
CREATE INDEX answers_by_case ON answers (case_id);
CREATE INDEX answers_by_question ON answers (question);
INSERT INTO matched SELECT DISTINCT q.suite, q.case_id, a.start FROM questions q
  JOIN answers a ON a.case_id = q.case_id AND coalesce(a.suite, q.suite) = q.suite;
CREATE INDEX matched_by_case ON matched (suite, case_id);
CREATE INDEX matched_by_start ON matched (start);
INSERT INTO matched SELECT DISTINCT q.suite, q.case_id, a.start FROM questions q
  JOIN answers a ON a.question = q.question AND coalesce(a.suite, q.suite) = q.suite
  WHERE NOT EXISTS (SELECT 1 FROM matched m WHERE m.start = a.start)
    AND NOT EXISTS (SELECT 1 FROM matched m WHERE m.suite = q.suite AND m.case_id = q.case_id);
INSERT INTO found SELECT m.suite, m.case_id, row_number() OVER (
    PARTITION BY m.suite, m.case_id ORDER BY a.nth IS NULL, a.nth, a.start) - 1, a.start, a.line
  FROM matched m JOIN answers a USING (start);
"""

_FIND = "SELECT start, line FROM found WHERE suite = ? AND case_id = ? AND repeat = ?"
_UNUSED = """SELECT line, case_id FROM answers a
WHERE NOT EXISTS (SELECT 1 FROM matched m WHERE m.start = a.start)"""


@dataclass(frozen=True, slots=True)
class Listed:
    """How many there are of something, and the first SHOWN of them."""

    count: int = 0
    first: tuple[str, ...] = ()

    def plus(self, name: str) -> Listed:
        """With one more."""
        return Listed(self.count + 1, (*self.first, name)[:SHOWN])

    def __str__(self) -> str:
        return f"{', '.join(self.first)}{', ...' if self.count > len(self.first) else ''}"


class AnswerIndex:
    """The answers of one variant in one file, each found by the case that it is for.

    Told of every case by `expect`, then asked by `match` to bring both together: by the case's id, and where
    no answer has that, by what was asked. It holds positions, on disk where they are many; an answer is read
    when it is asked for.

    Args:
        path: see `evalkit.endpoints.recorded`.
        variant: whose answers are wanted; all of them, where the file has only one variant.

    Attributes:
        sha256: of the file.
        count: how many answers of the variant it has.

    Raises:
        InputError: a line that cannot be used, or a file that has several variants, and not this one.
        StorageError: there is no room for the index.
    """

    def __init__(self, path: Path, variant: str):
        self.path = path
        with ExitStack() as opened:
            # a database of its own, in a temporary file where it is large, gone when it is closed
            self._db = opened.enter_context(closing(sqlite3.connect("", isolation_level=None)))
            with self._explained():
                self._db.executescript(_TABLES)
                self.count = self._read(variant)
            self._file = opened.enter_context(path.open("rb"))
            self.sha256 = hashlib.file_digest(self._file, "sha256").hexdigest()
            self._opened = opened.pop_all()

    def expect(self, suite: str, case: str, questions: Iterable[bytes]) -> None:
        """Tell of a case, and of every form in which it may have been asked."""
        rows = ((suite, case, question) for question in questions)
        with self._explained():
            self._db.executemany("INSERT INTO questions VALUES (?, ?, ?)", rows)

    def match(self) -> None:
        """Bring cases and answers together, once all cases are known."""
        with self._explained():
            self._db.executescript(_MATCH)

    def has(self, suite: str, case: str, repeat: int) -> bool:
        """Whether there is an answer for this repeat, counted from 0."""
        return self._db.execute(_FIND, (suite, case, repeat)).fetchone() is not None

    def find(self, suite: str, case: str, repeat: int) -> RecordedLine | None:
        """An answer of a case, the first of which is repeat 0; None where the file has none."""
        row = self._db.execute(_FIND, (suite, case, repeat)).fetchone()
        if row is None:
            return None
        start, number = row
        self._file.seek(start)
        return parse_line(self.path, number, self._file.readline())

    def unmatched(self) -> Listed:
        """The answers that are for no case, by line."""
        found = Listed()
        for line, case in self._db.execute(f"{_UNUSED} ORDER BY start"):
            found = found.plus(f"line {line}" if case is None else f"line {line} ({case})")
        return found

    def beyond(self, repeats: int) -> int:
        """How many answers stand behind the first `repeats` of their cases."""
        (count,) = self._db.execute("SELECT count(*) FROM found WHERE repeat >= ?", (repeats,)).fetchone()
        return int(count)

    def close(self) -> None:
        """Let go of the file and the index."""
        self._opened.close()

    def _read(self, variant: str) -> int:
        """Index the file, and keep what is of the variant."""
        rows = (
            (each.start, each.number, line.variant, line.suite, line.case, line.question, line.repeat)
            for each in read_recorded(self.path)
            for line in (each.line,)
        )
        self._db.execute("BEGIN")  # ends in `match`
        self._db.executemany("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        names = [name for (name,) in self._db.execute("SELECT DISTINCT variant FROM answers ORDER BY start")]
        if not names:
            raise InputError(NO_LINES, file=self.path)
        if variant not in names and len(names) > 1:
            what = (
                f"has answers of {', '.join(names)}, and none of {variant}; call the variant by one of them"
            )
            raise InputError(what, file=self.path)
        if len(names) > 1:
            self._db.execute("DELETE FROM answers WHERE variant != ?", (variant,))
        (count,) = self._db.execute("SELECT count(*) FROM answers").fetchone()
        return int(count)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as fault:
            raise StorageError(
                f"{self.path}: cannot be indexed ({fault}); free space in the temporary folder, or name "
                "another by TMPDIR"
            ) from fault
