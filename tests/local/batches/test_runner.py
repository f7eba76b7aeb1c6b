"""Batches that an earlier server left behind."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from evalkit.local.batches.journal import Journal
from evalkit.local.batches.results import line_of
from evalkit.local.rows import Batch, StoredFile, now
from evalkit.local.store import Store
from tests.local.api.test_batches import CHAT, ended, line, results
from tests.local.serving import running


def left_behind(state: Path, **changes: Any) -> Batch:
    """A state folder with a batch of three requests, the first of which was answered."""
    store = Store(state)
    content = "\n".join(json.dumps(line(name)) for name in ("a", "b", "c")).encode()
    size, sha256 = store.write_content("file-in", io.BytesIO(content))
    batch = Batch(
        id="batch_1",
        created_at=now() - 100,
        endpoint=CHAT,
        input_file="file-in",
        model="evalkit-tiny",
        total=3,
        **{"status": "in_progress", "expires_at": now() + 100, **changes},
    )
    Journal(store.journal(batch.id)).append(
        line_of("a", {"status_code": 200, "request_id": "r", "body": {"kept": True}}, None)
    )
    with store.transaction():
        store.put(StoredFile("file-in", now(), "in.jsonl", "batch", size, sha256))
        store.put(batch)
    store.close()
    return batch


def test_what_was_answered_is_not_asked_again(checkpoint: Path, tmp_path: Path) -> None:
    """The next server answers the rest; the figures count both."""
    batch = left_behind(tmp_path)
    with running(checkpoint, tmp_path) as server, server.client() as client:
        last = ended(client, client.batches.retrieve(batch.id))
        found = results(client, last.output_file_id)
    assert last.status == "completed"
    assert last.request_counts is not None
    assert last.request_counts.completed == 3
    assert found["a"]["response"]["body"] == {"kept": True}
    assert found.keys() == {"a", "b", "c"}


def test_time_runs_out(checkpoint: Path, tmp_path: Path) -> None:
    """Behind its window a batch expires: what was answered is given, the rest is told as not executed."""
    batch = left_behind(tmp_path, expires_at=now() - 1)
    with running(checkpoint, tmp_path) as server, server.client() as client:
        last = ended(client, client.batches.retrieve(batch.id))
        done, rest = results(client, last.output_file_id), results(client, last.error_file_id)
    assert (last.status, last.expired_at is None) == ("expired", False)
    assert (set(done), set(rest)) == ({"a"}, {"b", "c"})
    assert {one["error"]["code"] for one in rest.values()} == {"batch_expired"}


def test_a_cancel_that_was_asked_for_is_done(checkpoint: Path, tmp_path: Path) -> None:
    """Where the server was killed before it had stopped a batch, the next one does."""
    batch = left_behind(tmp_path, status="cancelling")
    with running(checkpoint, tmp_path) as server, server.client() as client:
        last = ended(client, client.batches.retrieve(batch.id))
        assert results(client, last.error_file_id).keys() == {"b", "c"}
    assert last.status == "cancelled"
