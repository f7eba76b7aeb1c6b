"""evalkit.lock: what was made is found again, no writer loses another's entry, and no fault is guessed at."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.config.lock import FILE_NAME, forget, keep, read_lock
from evalkit.errors import InputError, StorageError
from tests.locked import ENTRY

WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from evalkit.config.lock import keep
from tests.locked import ENTRY
for number in range(10):
    keep(Path(sys.argv[1]), replace(ENTRY, job=f"{sys.argv[2]}-{number}"))
"""


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    """Oldest first; an entry of the same job takes the place of the earlier one."""
    assert read_lock(tmp_path) == ()
    other = replace(ENTRY, job="ftjob-2", system="Be loud.", model=None, status="running")
    for entry in (ENTRY, other):
        keep(tmp_path, entry)
    assert read_lock(tmp_path) == (ENTRY, other)
    done = replace(other, status="succeeded", model="ft:gpt-x:org:words:2")
    keep(tmp_path, done)
    assert read_lock(tmp_path) == (ENTRY, done)


def test_a_deleted_model_is_forgotten_where_it_was_made_alone(tmp_path: Path) -> None:
    """The same name at another server is another model."""
    elsewhere = replace(ENTRY, endpoint="gpu", base_url="http://gpu7:8000/v1")
    for entry in (ENTRY, elsewhere):
        keep(tmp_path, entry)
    forget(tmp_path, str(ENTRY.model), "openai", "https://api.openai.com/v1")
    assert read_lock(tmp_path) == (elsewhere,)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Four processes with ten entries each: all forty are there."""
    root = Path(__file__).parents[2]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), str(number)], cwd=root)
        for number in range(4)
    ]
    assert [writer.wait(60) for writer in writers] == [0] * 4
    assert len({entry.job for entry in read_lock(tmp_path)}) == 40


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{\n"version": 1,\n<<<<<<< ours', r"evalkit\.lock:3: not JSON"),
        ("[]", r"fine_tunes: is no list"),
        ('{"version": 2, "fine_tunes": []}', r"version: found 2, this evalkit reads 1; use the evalkit that"),
        ('{"version": 1, "fine_tunes": [7]}', r"fine_tunes\[0\]: found 7, an object was due"),
        ('{"version": 1, "fine_tunes": [{}]}', r"fine_tunes\[0\]\.base: is missing"),
        ("\xff", r"evalkit\.lock: cannot be read"),
    ],
)
def test_a_lock_that_cannot_be_read_is_refused_and_left_alone(
    tmp_path: Path, text: str, message: str
) -> None:
    """Nothing is guessed, and nothing written over what may yet be mended."""
    file = tmp_path / FILE_NAME
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=message):
        read_lock(tmp_path)
    with pytest.raises(InputError):
        keep(tmp_path, ENTRY)
    assert file.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize(("field", "value"), [("model", 7), ("systems", True), ("unknown", 1), ("seed", "0")])
def test_a_field_of_another_kind_is_named(tmp_path: Path, field: str, value: object) -> None:
    """With its place in the file."""
    keep(tmp_path, ENTRY)
    content = json.loads((tmp_path / FILE_NAME).read_text("utf-8"))
    content["fine_tunes"][0][field] = value
    (tmp_path / FILE_NAME).write_text(json.dumps(content), "utf-8")
    with pytest.raises(InputError, match=rf"fine_tunes\[0\]\.{field}: "):
        read_lock(tmp_path)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"evalkit\.lock: cannot be written"):
        keep(tmp_path / "file", ENTRY)


def test_a_half_written_file_is_never_seen(tmp_path: Path) -> None:
    """What a killed writer leaves behind is another file."""
    keep(tmp_path, ENTRY)
    (tmp_path / f"{FILE_NAME}.part").write_text('{"version": 1, "fine_')
    assert read_lock(tmp_path) == (ENTRY,)
    keep(tmp_path, replace(ENTRY, job="ftjob-2"))
    assert len(read_lock(tmp_path)) == 2
