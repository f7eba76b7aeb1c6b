"""The state folder: what is kept, what is swept away, and what other versions wrote."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest

from evalkit.errors import UsageError
from evalkit.local.files import drop_expired, drop_files
from evalkit.local.rows import Event, FineTune, Hyperparameters, StoredFile, TunedModel
from evalkit.local.store import Store

JOB = FineTune(
    id="ftjob-1",
    created_at=1,
    status="running",
    model="tiny",
    training_file="file-1",
    validation_file=None,
    suffix="",
    seed=0,
    hyperparameters=Hyperparameters(3, 4, 1.0),
    metadata={"a": "b"},
    result_files=("file-9",),
)
FILE = StoredFile("file-1", 1, "a.jsonl", "fine-tune", 3, "00")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A new state folder."""
    store = Store(tmp_path)
    yield store
    store.close()


def entered(store: Store, *rows: FineTune | StoredFile | Event | TunedModel) -> None:
    with store.transaction():
        for row in rows:
            store.put(row)


def test_rows_come_back_as_they_were(store: Store) -> None:
    """Nested values and tuples included."""
    entered(store, JOB, FILE)
    assert store.get(FineTune, JOB.id) == JOB
    assert store.all(FineTune, status="running", model="tiny") == [JOB]
    assert store.all(FineTune, status="paused") == []


def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    """What was put before the fault is not there."""
    with pytest.raises(TypeError):
        entered(store, FILE, replace(JOB, metadata={"a": b"no JSON"}))  # type: ignore[dict-item]
    assert store.get(StoredFile, FILE.id) is None


def test_pages_go_both_ways(store: Store) -> None:
    """Newest first or oldest first, from behind a row, of one purpose."""
    files = [replace(FILE, id=f"file-{n}", purpose="batch" if n % 2 else "vision") for n in range(6)]
    entered(store, *files)
    page = store.page(StoredFile, after="file-5", limit=2, having={"purpose": "batch"})
    assert ([row.id for row in page.rows], page.has_more) == (["file-3", "file-1"], False)
    page = store.page(StoredFile, after="file-1", limit=2, oldest_first=True)
    assert ([row.id for row in page.rows], page.has_more) == (["file-2", "file-3"], True)


def test_no_id_is_too_odd_to_be_asked_for(store: Store) -> None:
    """NUL and half a surrogate pair are found nowhere."""
    entered(store, FILE)
    for odd in ("\x00", "\ud800", "file-1\x00", "file-1\udfff"):
        assert store.get(StoredFile, odd) is None
        assert store.page(StoredFile, after=odd, limit=1).rows == ()
        assert store.page(StoredFile, after=None, limit=1, metadata={odd: odd}).rows == ()


def test_expired_files_go_with_their_contents(store: Store) -> None:
    """A file is there until its time is over."""
    for name in ("file-1", "file-2"):
        store.write_content(name, BytesIO(b"abc"))
    entered(store, replace(FILE, expires_at=1), replace(FILE, id="file-2", expires_at=2**40))
    drop_expired(store)
    assert [file.id for file in store.all(StoredFile)] == ["file-2"]
    assert [path.name for path in store.content("x").parent.iterdir()] == ["file-2"]


def test_contents_stay_while_a_job_needs_them(store: Store) -> None:
    """A deleted file is read by the job that was given it, and goes when that has ended."""
    store.write_content("file-1", BytesIO(b"abc"))
    entered(store, FILE, JOB)
    drop_files(store, FILE)
    assert store.content("file-1").exists()
    entered(store, replace(JOB, status="succeeded"))
    store.drop_content("file-1")
    assert not store.content("file-1").exists()


def test_what_was_never_entered_is_swept_away(tmp_path: Path) -> None:
    """Half an upload, a content without a row, adapters of no model: gone at the next start."""
    store = Store(tmp_path)
    entered(store, FILE, JOB, TunedModel("ft:a", 1, "tiny", "ftjob-0", "00"))
    entered(store, TunedModel("ft:a:ckpt-step-3", 1, "tiny", "ftjob-0", "00", step=3))
    for file in ("files/file-1", "files/file-2", "files/file-3.part"):
        (tmp_path / file).write_text("abc")
    kept = ["adapters/ftjob-0", "adapters/ftjob-0-step-3", "adapters/ftjob-1-step-8", "training/ftjob-1"]
    gone = ["adapters/ftjob-0-step-2", "adapters/ftjob-0.part", "adapters/ftjob-2", "training/ftjob-0"]
    for folder in (*kept, *gone):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").write_text("abc")
    store.close()
    Store(tmp_path).close()
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["file-1"]
    assert all((tmp_path / folder / "x").exists() for folder in kept)
    assert not any((tmp_path / folder).exists() for folder in gone)


def test_a_folder_of_the_first_version_is_read(tmp_path: Path) -> None:
    """Its rows lack what came later and have the defaults; its adapters are single files."""
    (tmp_path / "adapters").mkdir()
    (tmp_path / "adapters" / "ftjob-1.safetensors").write_text("abc")
    old = {
        "id": "ftjob-1",
        "created_at": 1,
        "status": "succeeded",
        "model": "tiny",
        "training_file": "file-1",
        "validation_file": None,
        "suffix": "",
        "seed": 0,
        "hyperparameters": {"n_epochs": 3, "batch_size": 4, "learning_rate_multiplier": 1.0},
    }
    model = {"id": "ft:a", "created_at": 1, "base": "tiny", "job": "ftjob-1", "fingerprint": "00"}
    with sqlite3.connect(tmp_path / "state.sqlite") as db:
        for table, row in (("jobs", old), ("models", model)):
            db.execute(
                f"create table {table} (number integer primary key autoincrement, "
                "id text unique not null, owner text not null, body text not null)"
            )
            db.execute(
                f"insert into {table} (id, owner, body) values (?, '', ?)", (row["id"], json.dumps(row))
            )
    db.close()
    store = Store(tmp_path)
    job = store.get(FineTune, "ftjob-1")
    assert job is not None
    assert (job.method, job.result_files, job.hyperparameters) == (
        "supervised",
        (),
        Hyperparameters(3, 4, 1.0),
    )
    assert store.adapter("ftjob-1").read_text() == "abc"
    store.close()


def test_a_row_of_a_newer_version_is_read_as_far_as_it_is_known(store: Store, tmp_path: Path) -> None:
    """A field that this version does not know is passed over."""
    entered(store, FILE)
    store.close()
    with sqlite3.connect(tmp_path / "state.sqlite") as db:
        db.execute("update files set body = json_set(body, '$.colour', 'red')")
    db.close()
    again = Store(tmp_path)
    assert again.get(StoredFile, "file-1") == FILE
    again.close()


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    """Rather than written to in a way that the newer version would not understand."""
    with sqlite3.connect(tmp_path / "state.sqlite") as db:
        db.execute("pragma user_version = 99")
    db.close()
    with pytest.raises(UsageError, match="newer evalkit"):
        Store(tmp_path)


def test_one_folder_one_server(store: Store, tmp_path: Path) -> None:
    """A second server is told whose folder it is."""
    with pytest.raises(UsageError, match="another server"):
        Store(tmp_path)
    assert store.all(FineTune) == []
