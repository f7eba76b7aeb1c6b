"""Cases taken out of a suite: moved, never lost."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import InputError, StorageError
from evalkit.suite import Suite, load_suite
from evalkit.suite.take_out import cases_file, take_out

LINES = [
    b'{"id": "a",  "ask": "one"}\r\n',
    b"\n",
    b'{"ask": "two"}\n',
    b'{"id": "c", "ask": "three\xc3\xa9"}',
]


def suite_in(folder: Path, cases: str = "cases.jsonl") -> Suite:
    """A suite with three cases, the second of which has a hash for an id."""
    (folder / "cases.jsonl").write_bytes(b"".join(LINES))
    (folder / "cases.csv").write_text("id,ask\na,one\n")
    (folder / "suite.yaml").write_text(f"cases: {cases}\nchecks: [{{regex: a}}]\n")
    return load_suite(folder)


def test_lines_are_moved_byte_for_byte(tmp_path: Path) -> None:
    """What stays and what goes are the very bytes; a line without an end gets one where others may follow."""
    suite = suite_in(tmp_path)
    file = cases_file(suite)
    assert take_out(file, {"a", "c", "unknown"}) == (2, tmp_path / "cases.taken-out.jsonl")
    assert file.read_bytes() == LINES[1] + LINES[2]
    assert (tmp_path / "cases.taken-out.jsonl").read_bytes() == LINES[0] + LINES[3] + b"\n"
    assert [case.messages[0]["content"] for case in load_suite(tmp_path).cases] == ["two"]


def test_what_is_taken_out_later_is_added(tmp_path: Path) -> None:
    """A second time nothing that was moved before is overwritten; ids that are hashes are found."""
    suite = suite_in(tmp_path)
    take_out(cases_file(suite), {"a"})
    take_out(cases_file(suite), {suite.cases[1].id})
    assert (tmp_path / "cases.taken-out.jsonl").read_bytes() == LINES[0] + LINES[2]


@pytest.mark.parametrize("cases", ["[{ask: one}]", "cases.csv"])
def test_other_files_are_not_touched(tmp_path: Path, cases: str) -> None:
    """Cases in suite.yaml or in a spreadsheet are refused, with what to do."""
    with pytest.raises(InputError, match=r"put all into cases\.jsonl"):
        cases_file(suite_in(tmp_path, cases))


def test_a_suite_is_never_emptied(tmp_path: Path) -> None:
    """The last case stays, and nothing is written."""
    suite = suite_in(tmp_path)
    with pytest.raises(InputError, match="no case would be left"):
        take_out(cases_file(suite), {case.id for case in suite.cases})
    assert cases_file(suite).read_bytes() == b"".join(LINES)
    assert not (tmp_path / "cases.taken-out.jsonl").exists()


def test_cases_stay_where_the_copy_cannot_be_written(tmp_path: Path) -> None:
    """They leave the suite only once they stand in the other file."""
    suite = suite_in(tmp_path)
    (tmp_path / "cases.taken-out.jsonl").mkdir()
    with pytest.raises(StorageError, match="taken-out"):
        take_out(cases_file(suite), {"a"})
    assert cases_file(suite).read_bytes() == b"".join(LINES)
