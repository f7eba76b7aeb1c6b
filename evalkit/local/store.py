"""What the server must not lose: files, fine-tuning jobs, their events and checkpoints, and their models.

One SQLite database (WAL) and four folders under the state folder: `files` (contents), `adapters` (what was
trained), `training` and `batches` (what unfinished jobs and batches need to go on). Every change is one
transaction. Contents are written aside, renamed, and only then entered: a server that is killed at any moment
starts again with whatever it had acknowledged, and with nothing half-written.

WAL alone survives the death of the process. What a client is told of is also flushed (`synchronous = full`,
one fsync), so that it survives the loss of power; a job's figures are not, since training tells them again.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from evalkit.errors import UsageError
from evalkit.local.disk import PART, copy_whole, remove
from evalkit.local.rows import (
    UNANSWERED,
    UNFINISHED,
    Batch,
    Checkpoint,
    Event,
    FineTune,
    Hyperparameters,
    StoredFile,
    StoredResponse,
    TunedModel,
)

AnyRow = StoredFile | FineTune | Event | Checkpoint | TunedModel | Batch | StoredResponse
Row = TypeVar("Row", bound=AnyRow)
_TABLES: Mapping[type, str] = {
    StoredFile: "files",
    FineTune: "jobs",
    Event: "events",
    Checkpoint: "checkpoints",
    TunedModel: "models",
    Batch: "batches",
    StoredResponse: "responses",
}
SCHEMA = 1  # of the database; 0 was written before there was a table of checkpoints, which is then added


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
            for name in ("files", "adapters", "training", "batches"):
                (self._folder / name).mkdir(parents=True, exist_ok=True)
            self._db = _opened(self._folder / "state.sqlite")
            self._sweep()
        except (OSError, sqlite3.Error) as fault:
            raise UsageError(_explained(fault, folder)) from fault

    def close(self) -> None:
        """Let go of the database."""
        self._db.close()

    @contextlib.contextmanager
    def transaction(self, *, flushed: bool = True) -> Iterator[None]:
        """All changes inside happen together or not at all; if `flushed`, they survive the loss of power."""
        self._db.execute(f"pragma synchronous = {'full' if flushed else 'normal'}")
        with self._db:
            self._db.execute("begin immediate")
            yield

    def put(self, row: AnyRow) -> None:
        """Enter a row, or replace the one with the same id."""
        table, owner = _TABLES[type(row)], row.job if isinstance(row, Event | Checkpoint) else ""
        self._db.execute(
            f"insert into {table} (id, owner, body) values (?, ?, ?) "
            "on conflict (id) do update set body = excluded.body",
            (row.id, owner, json.dumps(asdict(row))),
        )

    def delete(self, row: AnyRow) -> None:
        """Take a row out; what lies on the disk is left to the caller."""
        self._db.execute(f"delete from {_TABLES[type(row)]} where id = ?", (row.id,))

    def get(self, kind: type[Row], id: str) -> Row | None:
        """Look one row up; None where it is not there."""
        query = f"select body from {_TABLES[kind]} where id = ?"
        found = self._db.execute(query, (_sayable(id),)).fetchone()
        return None if found is None else _row(kind, found[0])

    def all(self, kind: type[Row], *, owner: str = "", **values: str) -> list[Row]:
        """Give the rows of a kind, oldest first.

        Args:
            kind: which.
            owner: the job whose events or checkpoints are wanted.
            values: what fields must be, e.g. `status="queued"`.
        """
        where = "".join(f" and json_extract(body, '$.{name}') = ?" for name in values)
        found = self._db.execute(
            f"select body from {_TABLES[kind]} where owner = ?{where} order by number",
            (owner, *values.values()),
        )
        return [_row(kind, body) for (body,) in found]

    def page(
        self,
        kind: type[Row],
        *,
        after: str | None,
        limit: int,
        owner: str = "",
        oldest_first: bool = False,
        metadata: Mapping[str, str] | None = None,
        having: Mapping[str, str] | None = None,
    ) -> Page[Row]:
        """Give rows newest first, or oldest first.

        Args:
            kind: which.
            after: the id of the last row of the page before; an unknown one gives an empty page.
            limit: at most so many.
            owner: the job whose events or checkpoints are wanted.
            oldest_first: the other way round.
            metadata: only rows whose metadata has these entries.
            having: what fields must be, e.g. {"purpose": "batch"}.
        """
        table, where, given = _TABLES[kind], ["owner = ?"], [owner]
        if after is not None:
            where.append(f"number {'>' if oldest_first else '<'} (select number from {table} where id = ?)")
            given.append(after)
        for name, value in (having or {}).items():
            where.append(f"json_extract(body, '$.{name}') = ?")
            given.append(value)
        for entry in (metadata or {}).items():
            where.append("exists (select 1 from json_each(body, '$.metadata') where key = ? and value = ?)")
            given += entry
        found = self._db.execute(
            f"select body from {table} where {' and '.join(where)} "
            f"order by number {'asc' if oldest_first else 'desc'} limit {limit + 1}",
            [_sayable(value) for value in given],
        ).fetchall()
        return Page(tuple(_row(kind, body) for (body,) in found[:limit]), len(found) > limit)

    def content(self, file: str) -> Path:
        """Give the place of a file's content."""
        return self._folder / "files" / file

    def adapter(self, job: str, step: int | None = None) -> Path:
        """Give the folder of a job's adapter, or of what it was at a step.

        The first versions wrote files: where there is one, it is given.
        """
        older = self._folder / "adapters" / f"{job}.safetensors"
        return older if older.exists() else older.with_name(job if step is None else f"{job}-step-{step}")

    def training(self, job: str) -> Path:
        """Give the folder for what an unfinished job needs to go on."""
        return self._folder / "training" / job

    def journal(self, batch: str) -> Path:
        """Give the place of what a batch has answered so far."""
        return self._folder / "batches" / f"{batch}.jsonl"

    def write_content(self, file: str, source: IO[bytes]) -> tuple[int, str]:
        """Write a file's content to its place; blocks, to be called off the event loop.

        Returns:
            Its size in bytes, and its SHA-256 in hex.

        Raises:
            OSError: the disk is full or cannot be written; nothing is left behind.
        """
        return copy_whole(source, self.content(file))

    def expired(self, now: int) -> list[StoredFile]:
        """Give the files whose time is over."""
        found = self._db.execute(
            "select body from files where json_extract(body, '$.expires_at') <= ?", (now,)
        )
        return [_row(StoredFile, body) for (body,) in found]

    def drop_content(self, *files: str) -> None:
        """Remove contents of files that are entered no more, unless something unfinished has to read them."""
        jobs = (job for status in UNFINISHED for job in self.all(FineTune, status=status))
        batches = (batch for status in UNANSWERED for batch in self.all(Batch, status=status))
        needed = {file for job in jobs for file in job.files} | {batch.input_file for batch in batches}
        for file in files:
            if file not in needed and self.get(StoredFile, file) is None:
                self.content(file).unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Remove what a killed server had begun and never entered, and what is needed no more."""
        self.drop_content(*(path.name for path in (self._folder / "files").iterdir()))
        unfinished = {job.id for status in UNFINISHED for job in self.all(FineTune, status=status)}
        for path in (self._folder / "training").iterdir():
            if path.name not in unfinished:
                remove(path)
        for path in (self._folder / "adapters").iterdir():
            job = path.name.removesuffix(".safetensors").partition("-step-")[0]
            entered = path in [self.adapter(model.job, model.step) for model in self.all(TunedModel, job=job)]
            if path.name.endswith(PART) or not (entered or job in unfinished):
                remove(path)


def _opened(path: Path) -> sqlite3.Connection:
    """Open the database for this process alone: the lock is gone when the process is, however it ends."""
    db = sqlite3.connect(path, timeout=2.0, isolation_level=None)
    db.execute("pragma locking_mode = exclusive")
    db.execute("pragma journal_mode = wal")
    db.execute("begin immediate")
    if (schema := db.execute("pragma user_version").fetchone()[0]) > SCHEMA:
        raise UsageError(
            f"{path}: written by a newer evalkit (schema {schema}, this one knows {SCHEMA}): "
            "update evalkit, or give --state another folder"
        )
    for table in _TABLES.values():
        db.execute(
            f"create table if not exists {table} (number integer primary key autoincrement, "
            "id text unique not null, owner text not null, body text not null)"
        )
    for table in ("events", "checkpoints"):
        db.execute(f"create index if not exists {table}_of_job on {table} (owner, number)")
    db.execute(
        "create index if not exists files_that_expire on files (json_extract(body, '$.expires_at')) "
        "where json_extract(body, '$.expires_at') is not null"
    )
    db.execute("create index if not exists jobs_by_status on jobs (json_extract(body, '$.status'))")
    db.execute("create index if not exists models_by_job on models (json_extract(body, '$.job'))")
    db.execute(f"pragma user_version = {SCHEMA}")
    db.execute("commit")
    return db


def _sayable(text: str) -> str:
    """A text that SQLite takes; no row has one with a lone surrogate, though a client may ask for it."""
    return text.encode("utf-8", "replace").decode()


def _row(kind: type[Row], body: str) -> Row:
    """Read a row that this or another version wrote: what it does not say has its default."""
    known = {field.name for field in fields(kind)}
    values: dict[str, Any] = {name: value for name, value in json.loads(body).items() if name in known}
    if kind is FineTune:
        values["hyperparameters"] = Hyperparameters(**values["hyperparameters"])
        values["result_files"] = tuple(values.get("result_files", ()))
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
