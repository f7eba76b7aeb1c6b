"""Answers that have been paid for once, kept across runs in one SQLite file."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.errors import StorageError
from evalkit.jsontext import encode

FILE_NAME = "answers.v3.sqlite"
BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another run that writes to the same file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it first came: `at` is UTC in ISO 8601, `cost_usd` what was paid then, None if unknown.

    `possibly_billed`: how many attempts had brought no whole answer, though they may have been charged.
    """

    response: Response
    cost_usd: float | None
    attempts: int
    at: str
    possibly_billed: int = 0


@dataclass(frozen=True, slots=True)
class Asked:
    """All that shapes an answer.

    `address` is the endpoint's base URL; for the embedded one, whose port changes, its name.
    `fingerprint` are the hashes of weights and adapter, where the endpoint tells them.
    """

    address: str
    fingerprint: str | None
    request: Request
    repeat: int

    @property
    def key(self) -> bytes:
        """128 bits of the SHA-256 of it all."""
        asked = encode((self.address, self.fingerprint, self.request.model, self.repeat))
        return hashlib.sha256(asked + self.request.canonical).digest()[:16]


class Cache:
    """Get and put, each safe beside other runs on the same file.

    What is put can be had at once, and is on disk after the next `flush`: many answers at once are written in
    one transaction, which takes a tenth of the time of as many transactions.

    Args:
        folder: e.g. `.evalkit/cache`; made if it is not there.
        reads: False only keeps answers, for a later session; nothing is found.

    Raises:
        StorageError: the file cannot be opened or is no cache. So do all methods.
    """

    def __init__(self, folder: Path, *, reads: bool = True):
        self.path = folder / FILE_NAME
        self._reads = reads
        self._waiting: dict[bytes, Kept] = {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._prepare()
        except (OSError, sqlite3.Error) as fault:
            raise self._unusable(fault) from fault

    def _prepare(self) -> None:
        """Tried again where another process does the same at this moment: the busy time-out does not hold for
        a change of the journal's mode."""
        until = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                self._db.execute("PRAGMA page_size = 8192")  # fill better: 172 bytes an answer, not 179
                # readers never wait, and a killed run tears nothing
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = NORMAL")
                self._db.execute(
                    "CREATE TABLE IF NOT EXISTS answers (key BLOB PRIMARY KEY, answer BLOB) WITHOUT ROWID"
                )
            except sqlite3.OperationalError as fault:
                if "locked" not in str(fault) or time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return

    def get(self, key: bytes) -> Kept | None:
        """The answer kept under `key`."""
        if not self._reads:
            return None
        if key in self._waiting:
            return self._waiting[key]
        try:
            if not self._db.in_transaction:  # one for all questions until the next flush: locks cost more
                self._db.execute("BEGIN")
            row = self._db.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
            return None if row is None else _unpacked(row[0])
        except (sqlite3.Error, msgspec.MsgspecError, TypeError) as fault:
            raise self._unusable(fault) from fault

    def put(self, key: bytes, kept: Kept) -> None:
        """Keep an answer; one that is there already stays, with its date and latency."""
        self._waiting.setdefault(key, kept)

    def flush(self) -> None:
        """Write down what has been put since the last time."""
        rows = [(key, _packed(kept)) for key, kept in self._waiting.items()]
        try:
            if self._db.in_transaction:  # that of `get`
                self._db.execute("COMMIT")
            if not rows:
                return
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany("INSERT OR IGNORE INTO answers VALUES (?, ?)", rows)
            self._db.execute("COMMIT")
        except sqlite3.Error as fault:
            raise self._unusable(fault) from fault
        self._waiting.clear()

    def close(self) -> None:
        """Write down what is left, and let go of the file."""
        try:
            self.flush()
        finally:
            self._db.close()

    def _unusable(self, fault: Exception) -> StorageError:
        return StorageError(
            f"{self.path}: the cache cannot be used ({fault}); free space, make the folder writable, "
            "delete the file if it is damaged, or add --no-cache"
        )


def _packed(kept: Kept) -> bytes:
    """Values without names, in the fields' order: names would take more room than most answers."""
    response = kept.response
    said = [getattr(response, name) for name in _SAID]
    counted = [getattr(response.usage, field.name) for field in fields(Usage)]
    said[_LATENCY] = _microseconds(response.latency_ms)
    paid = (kept.cost_usd, kept.attempts, _milliseconds(kept.at), kept.possibly_billed)
    try:
        return msgspec.msgpack.encode((said, counted, *paid))
    except OverflowError:  # a number of more than 64 bits, in a tool call's arguments for example
        return encode((said, counted, *paid))


def _unpacked(data: bytes) -> Kept:
    decode = msgspec.json.decode if data.startswith(b"[") else msgspec.msgpack.decode
    said, counted, cost_usd, attempts, at, possibly_billed = decode(data)
    if isinstance(said[_LATENCY], int):
        said[_LATENCY] /= 1000
    named = dict(zip(_SAID, said, strict=False))  # a field that came later has its default
    named["tool_calls"] = tuple(named["tool_calls"])
    return Kept(Response(**named, usage=Usage(*counted)), cost_usd, attempts, _date(at), possibly_billed)


def _microseconds(latency_ms: float | None) -> int | float | None:
    """A whole number of them takes a third of a float's room; a float that it would not give back stays."""
    found = None if latency_ms is None else round(1000 * latency_ms)
    return found if found is not None and found / 1000 == latency_ms else latency_ms


def _milliseconds(at: str) -> int | str:
    """Since 1970, a third of the text's room; a text that it would not give back stays."""
    found = round(datetime.fromisoformat(at).timestamp() * 1000)
    return found if _date(found) == at else at


def _date(at: int | str) -> str:
    if isinstance(at, str):
        return at
    return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")


_SAID = tuple(field.name for field in fields(Response) if field.name != "usage")
_LATENCY = _SAID.index("latency_ms")
