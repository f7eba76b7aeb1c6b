"""What a suite can get wrong, from the shell's side: one clear message, and nothing left behind."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from evalkit.cli import main

GOOD = "prompt: Answer.\nchecks: [equals]\ncases: [{id: a, ask: Say a, answer: a}]\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}, *{old}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)
LINES = "prompt: Answer.\nchecks: [equals]\ncases: cases.jsonl\n"

BAD: dict[str, tuple[dict[str, str | bytes], str]] = {
    "unknown key": ({"suite.yaml": GOOD + "chekcs: []\n"}, r"suite\.yaml:4: .*chekcs.*did you mean checks"),
    "wrong type": ({"suite.yaml": GOOD.replace("Answer.", "[1]")}, r"suite\.yaml:1: prompt"),
    "missing file": ({"suite.yaml": LINES}, r"cases\.jsonl"),
    "a file outside the suite": (
        {"suite.yaml": LINES.replace("cases.jsonl", "../secret.jsonl")},
        r"suite\.yaml:3: .*outside",
    ),
    "bad YAML": ({"suite.yaml": "prompt: [\nchecks: }\n"}, r"suite\.yaml:2"),
    "a YAML bomb": ({"suite.yaml": BOMB}, r"suite\.yaml:\d+: "),
    "invalid UTF-8": ({"suite.yaml": b"prompt: caf\xe9\n"}, r"suite\.yaml:1: .*UTF-8"),
    "an invalid JSONL line": (
        {"suite.yaml": LINES, "cases.jsonl": '{"ask": "a", "answer": "a"}\n{"ask": \n'},
        r"cases\.jsonl:2: ",
    ),
    "a duplicate id": (
        {"suite.yaml": LINES, "cases.jsonl": '{"id": "x", "ask": "a", "answer": "a"}\n' * 2},
        r"cases\.jsonl:2: .*'?x'?",
    ),
    "an unknown check": (
        {"suite.yaml": GOOD.replace("equals", "equal")},
        r"suite\.yaml:2: .*equal.*did you mean equals",
    ),
    "a bad JSON schema": (
        {"suite.yaml": GOOD.replace("[equals]", "[{json_schema: {schema: {type: objekt}}}]")},
        r"suite\.yaml:2: .*objekt",
    ),
    "a bad pattern": (
        {"suite.yaml": GOOD.replace("[equals]", "[{regex: {pattern: '(a'}}]")},
        r"suite\.yaml:2: ",
    ),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with an empty folder for a suite."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "words").mkdir()
    (tmp_path / "secret.jsonl").write_text(json.dumps({"ask": "a", "answer": "a"}))
    return tmp_path


@pytest.mark.parametrize("name", BAD)
def test_a_fault_is_told_with_its_place(folder: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 4; file, line and remedy on standard error; no traceback, no run, no cache."""
    files, message = BAD[name]
    for file, content in files.items():
        data = content if isinstance(content, bytes) else content.encode()
        (folder / "words" / file).write_bytes(data)
    assert main(["run", "words", "--no-gate"]) == 4
    told = capsys.readouterr()
    assert told.out == ""
    assert "Traceback" not in told.err
    assert re.search(message, told.err.replace("\n", " ")), told.err  # it may be wrapped anywhere
    assert sorted(path.name for path in folder.iterdir()) == ["secret.jsonl", "words"]
