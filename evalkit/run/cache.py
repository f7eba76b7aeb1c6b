"""Answers that have been paid for once, kept across runs in one SQLite file."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

from evalkit.endpoints.base import Request, Response
from evalkit.errors import StorageError
from evalkit.run.codec import response_from_json, response_to_json

FILE_NAME = "answers.sqlite"
BUSY_TIMEOUT_S = 30.0
"""How long a write waits for another run that writes to the same file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it first came: `at` is UTC in ISO 8601, `cost_usd` what was paid then, None if unknown."""

    response: Response
    cost_usd: float | None
    attempts: int
    at: str


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
    def key(self) -> str:
        """The SHA-256 of it all, in hex; the order of parameters does not matter."""
        request = self.request
        parts = (self.address, self.fingerprint, request.model, request.kind, self.repeat)
        said = (request.messages, request.prompt, dict(request.params))
        return hashlib.sha256(json.dumps([parts, said], sort_keys=True).encode()).hexdigest()


class Cache:
    """Get and put, each safe beside other runs on the same file.

    Args:
        folder: e.g. `.evalkit/cache`; made if it is not there.

    Raises:
        StorageError: the file cannot be opened or is no cache. So do `get` and `put`.
    """

    def __init__(self, folder: Path):
        self._path = folder / FILE_NAME
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
            self._db.execute(
                "PRAGMA journal_mode = WAL"
            )  # readers never wait, and a killed run tears nothing
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, "
                "response TEXT, cost_usd REAL, attempts INTEGER, at TEXT) WITHOUT ROWID"
            )
        except (OSError, sqlite3.Error) as fault:
            raise self._unusable(fault) from fault

    def get(self, key: str) -> Kept | None:
        """The answer kept under `key`."""
        try:
            query = "SELECT response, cost_usd, attempts, at FROM answers WHERE key = ?"
            row = self._db.execute(query, (key,)).fetchone()
        except sqlite3.Error as fault:
            raise self._unusable(fault) from fault
        if row is None:
            return None
        text, cost_usd, attempts, at = row
        return Kept(response_from_json(json.loads(text)), cost_usd, attempts, at)

    def put(self, key: str, kept: Kept) -> None:
        """Keep an answer; one that is there already stays, with its date and latency."""
        row = (key, json.dumps(response_to_json(kept.response)), kept.cost_usd, kept.attempts, kept.at)
        try:
            self._db.execute("INSERT OR IGNORE INTO answers VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as fault:
            raise self._unusable(fault) from fault

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def _unusable(self, fault: Exception) -> StorageError:
        return StorageError(
            f"{self._path}: the cache cannot be used ({fault}); free space, make the folder writable, "
            "delete the file if it is damaged, or add --no-cache"
        )
