"""What a batch has answered so far, whenever the server was killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.local.batches.journal import Journal
from evalkit.local.batches.results import gather, line_of

GOOD = line_of("a", {"status_code": 200, "request_id": "r", "body": {"text": "ü"}}, None)
BAD = line_of("b", {"status_code": 400, "request_id": "r", "body": {"error": {}}}, None)


def test_lines_come_back(tmp_path: Path) -> None:
    """As they were added, by their custom_ids, with what became of them."""
    journal = Journal(tmp_path / "batch.jsonl")
    assert journal.mend() == {}
    journal.append(GOOD)
    journal.append(BAD)
    assert journal.mend() == {"a": True, "b": False}
    assert list(journal.lines()) == [GOOD, BAD]


@pytest.mark.parametrize("cut", [1, 2, 30, 60])
def test_half_a_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    """A request whose answer was not written to its end is one that was not answered."""
    path = tmp_path / "batch.jsonl"
    journal = Journal(path)
    journal.append(GOOD)
    journal.append(BAD)
    path.write_bytes(path.read_bytes()[:-cut])
    assert journal.mend() == {"a": True}
    journal.append(BAD)
    assert list(journal.lines()) == [GOOD, BAD]


def test_results_are_sorted(tmp_path: Path) -> None:
    """Answers into one file, refusals into the other; a file that would be empty is none."""
    journal = Journal(tmp_path / "batch.jsonl")
    assert gather(journal, tmp_path / "none", "completed").output is None
    journal.append(GOOD)
    journal.append(BAD)
    results = gather(journal, tmp_path / "none", "completed")
    assert results.output is not None
    assert results.error is not None
    with results.output as output, results.error as error:
        assert b'"custom_id":"a"' in output.read()
        assert b'"custom_id":"b"' in error.read()
