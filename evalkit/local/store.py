"""What the server must not lose: files, fine-tuning jobs, their events, and the models that they made.

One SQLite database (WAL) and two folders of contents under the state folder. Every change is one transaction.
Contents are written aside, renamed, and only then entered: a server that is killed at any moment starts again
with whatever it had acknowledged, and with nothing half-written.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from evalkit.errors import UsageError
from evalkit.local.rows import Event, FineTune, Hyperparameters, StoredFile, TunedModel

Row = TypeVar("Row", StoredFile, FineTune, Event, TunedModel)
AnyRow = StoredFile | FineTune | Event | TunedModel
CHUNK = 1 << 20  # bytes read from an upload at a time
_TABLES: Mapping[type, str] = {StoredFile: "files", FineTune: "jobs", Event: "events", TunedModel: "models"}


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """A stretch of a list."""

    rows: tuple[Row, ...]
    has_more: bool


class Store:
    """The state folder. Used by one thread only, save for `write_content`.

    Args:
        folder: made if it is not there.

    Raises:
        UsageError: the folder cannot be written, holds something else, or is another server's.
    """

    def __init__(self, folder: Path):
        self._folder = folder.absolute()
        try:
            for name in ("files", "adapters"):
                (self._folder / name).mkdir(parents=True, exist_ok=True)
            self._db = _opened(self._folder / "state.sqlite")
        except (OSError, sqlite3.Error) as fault:
            raise UsageError(_explained(fault, folder)) from fault

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All changes inside happen together or not at all."""
        with self._db:
            self._db.execute("begin immediate")
            yield

    def put(self, row: AnyRow) -> None:
        """Enter a row, or replace the one with the same id."""
        table, owner = _TABLES[type(row)], row.job if isinstance(row, Event) else ""
        self._db.execute(
            f"insert into {table} (id, owner, body) values (?, ?, ?) "
            "on conflict (id) do update set body = excluded.body",
            (row.id, owner, json.dumps(asdict(row))),
        )

    def get(self, kind: type[Row], id: str) -> Row | None:
        """Look one row up; None where it is not there."""
        found = self._db.execute(f"select body from {_TABLES[kind]} where id = ?", (id,)).fetchone()
        return None if found is None else _row(kind, found[0])

    def all(self, kind: type[Row]) -> list[Row]:
        """Give every row of a kind, oldest first."""
        return [
            _row(kind, body)
            for (body,) in self._db.execute(f"select body from {_TABLES[kind]} order by number")
        ]

    def page(
        self,
        kind: type[Row],
        *,
        after: str | None,
        limit: int,
        owner: str = "",
        metadata: Mapping[str, str] | None = None,
    ) -> Page[Row]:
        """Give rows newest first.

        Args:
            kind: which.
            after: the id of the last row of the page before; an unknown one gives an empty page.
            limit: at most so many.
            owner: the job whose events are wanted.
            metadata: only rows whose metadata has these entries.
        """
        table, where, values = _TABLES[kind], ["owner = ?"], [owner]
        if after is not None:
            where.append(f"number < (select number from {table} where id = ?)")
            values.append(after)
        for entry in (metadata or {}).items():
            where.append("exists (select 1 from json_each(body, '$.metadata') where key = ? and value = ?)")
            values += entry
        found = self._db.execute(
            f"select body from {table} where {' and '.join(where)} order by number desc limit {limit + 1}",
            values,
        ).fetchall()
        return Page(tuple(_row(kind, body) for (body,) in found[:limit]), len(found) > limit)

    def content(self, file: str) -> Path:
        """Give the place of an uploaded file's content."""
        return self._folder / "files" / file

    def adapter(self, job: str) -> Path:
        """Give the place of a job's adapter."""
        return self._folder / "adapters" / f"{job}.safetensors"

    def write_content(self, file: str, source: IO[bytes]) -> tuple[int, str]:
        """Write an upload's content to its place; blocks, to be called off the event loop.

        Returns:
            Its size in bytes, and its SHA-256 in hex.

        Raises:
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        aside, digest = self.content(f"{file}.part"), hashlib.sha256()
        try:
            with aside.open("wb") as out:
                while chunk := source.read(CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
                size = out.tell()
                out.flush()
                os.fsync(out.fileno())
            aside.replace(self.content(file))
        except OSError:
            aside.unlink(missing_ok=True)
            raise
        return size, digest.hexdigest()


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database for this process alone: the lock is gone when the process is, however it ends."""
    db = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    db.execute("pragma locking_mode = exclusive")
    db.execute("pragma journal_mode = wal")
    db.execute("pragma synchronous = normal")
    db.execute("begin immediate")
    for table in _TABLES.values():
        db.execute(
            f"create table if not exists {table} (number integer primary key autoincrement, "
            "id text unique not null, owner text not null, body text not null)"
        )
    db.execute("create index if not exists events_of_job on events (owner, number)")
    db.execute("commit")
    return db


def _row(kind: type[Row], body: str) -> Row:
    values: dict[str, Any] = json.loads(body)
    if kind is FineTune:
        values["hyperparameters"] = Hyperparameters(**values["hyperparameters"])
    return kind(**values)


def _explained(fault: Exception, folder: Path) -> str:
    """Say why the state folder cannot be used, and what to do."""
    if "locked" in str(fault):
        return (
            f"{folder}: another server is using this state folder (an `evalkit run`, or an `evalkit serve` "
            "with the same --state): wait for it, stop it, or use another folder"
        )
    if "not a database" in str(fault):
        return f"{folder}/state.sqlite: not a database: move it away, or give --state another folder"
    return f"{folder}: the state folder cannot be written ({fault}): give --state a folder that can be"
