"""`evalkit dataset leaks` from the shell's side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main

pytestmark = pytest.mark.usefixtures("folder")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A suite of two cases, one of which stands in train.jsonl twice."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cities").mkdir()
    (tmp_path / "cities" / "suite.yaml").write_text(
        "cases:\n  - {id: norway, ask: What is the capital of Norway?, answer: Oslo}\n"
        "  - {id: japan, ask: What is the capital of Japan?, answer: Tokyo}\nchecks: [equals]\n"
    )
    (tmp_path / "train.jsonl").write_text(
        '{"ask": "Who are you?", "answer": "I."}\n'
        '{"ask": "what is the capital of norway, then?", "answer": "Oslo"}\n'
        '{"ask": "What is the capital of\\tNorway", "answer": "Oslo\\u001b[2J"}\n'
    )
    return tmp_path


def test_leaks_are_shown_with_their_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The case, the nearest line and both texts; exit 0, or 1 with --strict."""
    assert main(["dataset", "leaks", "train.jsonl", "cities"]) == 0
    shown = capsys.readouterr().out
    assert "norway   question, similarity 1.00, line 3, and 1 more\n" in shown
    assert (
        "  held out  What is the capital of Norway?\n  learned   What is the capital of\\tNorway\n" in shown
    )
    assert "1 of 2 cases leaked" in shown
    assert main(["dataset", "leaks", "train.jsonl", "cities", "--strict"]) == 1


def test_json_holds_all(capsys: pytest.CaptureFixture[str]) -> None:
    """For programs: every leak with both texts whole."""
    assert main(["dataset", "leaks", "train.jsonl", "cities", "--json", "--threshold", "1"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "threshold": 1.0,
        "examples": 3,
        "cases": 2,
        "leaks": [
            {
                "case": "norway",
                "part": "question",
                "similarity": 1.0,
                "line": 3,
                "lines": 1,
                "held_out": "What is the capital of Norway?",
                "learned": "What is the capital of\tNorway",
            }
        ],
    }


def test_two_files_can_be_compared(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What `split` made can be looked at too: cases are named by their lines; CSV is read as well."""
    (folder / "held.csv").write_text('ask,answer\n"What is the capital of Norway?",Oslo\nWhen?,Now\n')
    assert main(["dataset", "leaks", "train.jsonl", "held.csv", "--strict"]) == 1
    assert "line 2   question" in capsys.readouterr().out
    assert main(["dataset", "leaks", "held.csv", "train.jsonl"]) == 0
    assert "2 of 3 cases leaked (2 examples of held.csv" in capsys.readouterr().out


def test_no_leak_is_said_too(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing found is a result; --strict exits 0."""
    (folder / "train.jsonl").write_text('{"ask": "Who?", "answer": "I."}\n')
    assert main(["dataset", "leaks", "train.jsonl", "cities", "--strict"]) == 0
    assert capsys.readouterr().out.startswith("0 of 2 cases leaked")


@pytest.mark.parametrize("threshold", ["0", "1.1", "nan", "x"])
def test_a_threshold_that_is_none_is_refused(threshold: str) -> None:
    """It is above 0 and up to 1."""
    assert main(["dataset", "leaks", "train.jsonl", "cities", "--threshold", threshold]) == 4
