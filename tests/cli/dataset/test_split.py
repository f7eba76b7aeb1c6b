"""`evalkit dataset split` from the shell's side."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main

QUESTIONS = [
    f"What does one call the {word} of a ship?" for word in ("front", "back", "left", "right", "floor")
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten examples, two of them the same in other clothes; odd spaces, and no end on the last line."""
    lines = [f'{{"messages":  [{{"role": "user", "content": "{q}"}}], "tags": ["ship"]}}' for q in QUESTIONS]
    lines += [f'{{"ask": "Why is {name} late today?", "answer": ""}}' for name in ("Ann", "Bob", "Cy", "Di")]
    lines.append('{"ask": "WHY IS ANN LATE TODAY", "answer": "", "tags": ["\\u001b[31m"]}')
    path = tmp_path / "data.jsonl"
    path.write_text("\n\n".join(lines))
    return path


def test_lines_are_written_as_they_stood(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every line is on one side, byte for byte and in its order; what was done is printed, escaped."""
    assert main(["dataset", "split", str(file), "--test", "4", "--out", str(file.parent / "new")]) == 0
    train, test = (
        (file.parent / "new" / f"data.{side}.jsonl").read_text().splitlines() for side in ("train", "test")
    )
    lines = file.read_text().split("\n\n")
    assert sorted(train + test) == sorted(lines)
    assert [line for line in lines if line in test] == test
    assert len(test) in (3, 4, 5)
    twins = {line for line in lines if "ann late" in line.lower()}
    assert twins <= set(train) or twins <= set(test)
    shown = capsys.readouterr().out
    assert "2 of 10 examples stand in 1 group of near-duplicates" in shown
    assert "\x1b" not in shown


def test_nothing_is_overwritten_unasked(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second split needs --force, and then the same seed gives the same files."""
    assert main(["dataset", "split", str(file)]) == 0
    before = (file.parent / "data.test.jsonl").read_bytes()
    assert main(["dataset", "split", str(file)]) == 4
    assert "--force" in capsys.readouterr().err
    assert main(["dataset", "split", str(file), "--force"]) == 0
    assert (file.parent / "data.test.jsonl").read_bytes() == before


@pytest.mark.parametrize("share", ["0", "-1", "1.5", "nan", "inf", "many"])
def test_a_share_that_is_none_is_refused(file: Path, share: str) -> None:
    """Below 1 it is a share, from 1 on a whole number."""
    assert main(["dataset", "split", str(file), f"--test={share}"]) == 4


def test_a_broken_line_is_named_and_nothing_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Bad input exits 4 with file and line."""
    file.write_text('{"ask": "a"}\n{"ask": "b"\n')
    assert main(["dataset", "split", str(file)]) == 4
    assert f"{file}:2" in capsys.readouterr().err
    assert [path.name for path in file.parent.iterdir()] == ["data.jsonl"]


def test_a_number_above_all_is_refused(file: Path) -> None:
    """More examples for testing than there are cannot be drawn."""
    assert main(["dataset", "split", str(file), "--test", "10"]) == 4
    assert json.loads(file.read_text().split("\n")[0])
