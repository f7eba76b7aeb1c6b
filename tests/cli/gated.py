"""Suites that are gated on recorded answers: what each side passes is known, and nothing is asked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def write_gated(
    folder: Path, n: int, lost: int = 0, won: int = 0, gate: str = "", name: str = "words"
) -> None:
    """A suite of `n` cases: the baseline alone passes the first `lost`, the candidate alone the next `won`.

    evalkit.toml answers for variants `old` and `new` from files.
    """
    suite = folder / name
    suite.mkdir(exist_ok=True)
    words = [f"word{number}" for number in range(n)]
    cases = "".join(json.dumps({"id": word, "ask": word, "answer": word.upper()}) + "\n" for word in words)
    (suite / "cases.jsonl").write_text(cases)
    rule = f"gate: {{candidate: new, baseline: old{gate}}}\n"
    (suite / "suite.yaml").write_text(f"cases: cases.jsonl\nchecks:\n  - equals\n{rule}")
    write_answers(folder, "new", {word: number >= lost for number, word in enumerate(words)})
    write_answers(folder, "old", {word: not lost <= n < lost + won for n, word in enumerate(words)})
    variants = "".join(f'[variants.{each}]\nresponses = "{each}.jsonl"\n' for each in ("new", "old"))
    (folder / "evalkit.toml").write_text(variants)


def write_answers(folder: Path, variant: str, passes: dict[str, bool]) -> None:
    """One variant's answers, by case id."""
    lines = [{"case": word, "text": word.upper() if passed else "no"} for word, passed in passes.items()]
    (folder / f"{variant}.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


ASKED = ("--variants", "new,old")


def words_of(folder: Path, run: str = "latest") -> dict[str, str]:
    """Each suite's decision, from summary.json."""
    summary = json.loads((folder / "reports" / run / "summary.json").read_text("utf-8"))
    return {suite: found["gate"]["decision"] for suite, found in summary["suites"].items()}


def cases_asked(folder: Path) -> int:
    """How many cases the newest run has records of."""
    lines = (folder / "reports" / "latest" / "records.jsonl").read_text("utf-8").splitlines()
    return len({json.loads(line)["case"] for line in lines})
