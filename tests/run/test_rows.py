"""records.jsonl, read for figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given

from evalkit.errors import UsageError
from evalkit.run.codec import dump_line, record_to_json
from evalkit.run.records import Record
from evalkit.run.rows import Row, open_rows, row_of
from tests.run.test_codec import records

MakeRecord = Callable[..., Record]


def rows_in(folder: Path, *lines: bytes) -> list[Row]:
    """What is read from a file of these lines."""
    (folder / "records.jsonl").write_bytes(b"".join(lines))
    with open_rows(folder) as rows:
        return list(rows)


def line_of(record: Record) -> bytes:
    """As runs write it."""
    return dump_line(record_to_json(record))


@given(record=records)
def test_a_row_is_what_the_record_says(record: Record, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever a model wrote, lone surrogates included, the members that figures need come back."""
    (row,) = rows_in(tmp_path_factory.getbasetemp(), line_of(record))
    assert (row.suite, row.case, row.variant, row.repeat) == (
        record.suite, record.case, record.variant, record.repeat,
    )  # fmt: skip
    assert (row.response and row.response.text) == (record.response and record.response.text)
    usage = record.response and record.response.usage
    assert row.usage.prompt_tokens == (usage and usage.prompt_tokens)
    assert [(found.check, found.passed) for found in row.verdicts] == [
        (verdict.check, verdict.passed) for verdict in record.verdicts
    ]
    assert (row.error and row.error.message) == (record.error and record.error.message)
    assert (row.cost_usd, row.latency_ms) == (record.cost_usd, record.response and record.response.latency_ms)


def test_a_record_in_memory_gives_the_same_row(make_record: MakeRecord, tmp_path: Path) -> None:
    """Notebooks compare records, reports compare files: both by one way."""
    record = make_record("a", "ft", True, False, None, latency_ms=12.5, attempts=2, possibly_billed=1)
    assert rows_in(tmp_path, line_of(record)) == [row_of(record)]


def test_runs_of_earlier_versions_are_read(make_record: MakeRecord, tmp_path: Path) -> None:
    """Members that were added later may be missing, and further ones may be there."""
    data = record_to_json(make_record("a"))
    old = {name: value for name, value in data.items() if name not in ("possibly_billed", "judge", "ttft_ms")}
    (row,) = rows_in(tmp_path, dump_line({**old, "mood": "good"}))
    assert (row.possibly_billed, row.judge.possibly_billed, row.ttft_ms) == (0, 0, None)


def test_numbers_that_json_does_not_know_are_read(make_record: MakeRecord, tmp_path: Path) -> None:
    """Python writes NaN where a check's score is none; such a line is slow to read, not damaged."""
    data = record_to_json(make_record("a"))
    data["verdicts"][0]["value"] = float("nan")
    (row,) = rows_in(tmp_path, json.dumps(data).encode() + b"\n")
    assert row.case == "a"


def test_a_torn_last_line_is_left_out(make_record: MakeRecord, tmp_path: Path) -> None:
    """A run that was killed, or is writing, may end in half a record."""
    line = line_of(make_record("a"))
    assert len(rows_in(tmp_path, line, line[:-1])) == 1


def test_what_is_written_meanwhile_is_left_out(make_record: MakeRecord, tmp_path: Path) -> None:
    """Rows are the same each time that they are gone through, though the run goes on writing."""
    line = line_of(make_record("a"))
    path = tmp_path / "records.jsonl"
    path.write_bytes(line + line[:20])
    with open_rows(tmp_path) as rows, path.open("ab") as file:
        assert len(list(rows)) == 1
        file.write(line[20:] + line)
        file.flush()
        assert len(list(rows)) == 1
    with open_rows(tmp_path) as rows:
        assert len(list(rows)) == 3


def test_a_run_without_records_has_none(tmp_path: Path) -> None:
    """The file is made with the first record."""
    with open_rows(tmp_path) as rows:
        assert list(rows) == []


@pytest.mark.parametrize("damaged", [b"{}\n", b'{"suite": 1}\n', b"\xff\n", b"\n", b"[1, 2\n"])
def test_a_damaged_line_is_named(make_record: MakeRecord, tmp_path: Path, damaged: bytes) -> None:
    """Damage that no kill can cause is told with file and line."""
    line = line_of(make_record("a"))
    with pytest.raises(UsageError, match=r"records\.jsonl:2: damaged record .*; delete the line"):
        rows_in(tmp_path, line, damaged, line)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "records.jsonl").mkdir()
    with pytest.raises(UsageError, match=r"records\.jsonl: cannot be read"), open_rows(tmp_path) as rows:
        list(rows)
