"""Leaks from a run's side: found before it asks, told of, and kept in run.json."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from evalkit.run.leaks import find_leaks, leaked_cases
from evalkit.run.store import read_info
from evalkit.suite import Suite, find_suites, load_suite
from tests.loopback import Loopback
from tests.run.helpers import WORDS, Watching, config_for, run_in, write_suite

SHIPPED = Path(__file__).resolve().parents[2] / "suites"


def suite_with_training(folder: Path, *asked: str) -> Suite:
    """A suite that learns from so many lines."""
    lines = (f'{{"ask": "{ask}", "answer": "{ask.upper()}"}}\n' for ask in asked)
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("".join(lines), "utf-8")
    return write_suite(folder, more="train: train.jsonl\n")


def test_a_run_tells_of_leaks_and_keeps_them(tmp_path: Path, loopback: Loopback) -> None:
    """A note before the first request; run.json names the cases, what leaked and the line of train.jsonl."""
    suite = suite_with_training(tmp_path / "capitals", "tokyo", "Rome!", "oslo")
    watching = Watching()
    outcome, _ = run_in(tmp_path, suite, config_for(tmp_path, loopback), watching)
    info = read_info(outcome.folder)
    assert info["leaks"]["capitals"]["cases"] == {
        "oslo": {"part": "question", "similarity": 1.0, "line": 3},
        "rome": {"part": "question", "similarity": 1.0, "line": 2},
    }
    assert leaked_cases(info) == {"capitals": {"oslo", "rome"}}
    assert any(f"2 of {len(WORDS)} cases stand in train.jsonl" in note for note in watching.notes)


def test_a_run_without_leaks_says_nothing(tmp_path: Path, loopback: Loopback) -> None:
    """Neither a note nor an entry, with training data and without."""
    for name, suite in {
        "trained": suite_with_training(tmp_path / "trained", "tokyo"),
        "plain": write_suite(tmp_path / "plain"),
    }.items():
        watching = Watching()
        outcome, _ = run_in(tmp_path / name, suite, config_for(tmp_path / name, loopback), watching)
        assert read_info(outcome.folder)["leaks"] == {}
        assert not [note for note in watching.notes if "stand in" in note]


def test_legacy_pairs_and_calls_leak_too(tmp_path: Path) -> None:
    """A prompt is a question; and a case's own earlier answers are no reference."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "suite.yaml").write_text(
        "cases:\n"
        "  - {id: pair, prompt: 'Where is my parcel?', completion: shipping}\n"
        "  - {id: turns, messages: [{role: user, content: Hi}, {role: assistant, content: Hello you},"
        " {role: user, content: Who was the first king of all Norway?}]}\n"
        "train: train.jsonl\nchecks: [{regex: a}]\n"
    )
    (tmp_path / "s" / "train.jsonl").write_text(
        '{"prompt": "Where is my parcel", "completion": "shipping"}\n{"ask": "Hi", "answer": "Hello you"}\n'
    )
    assert list(find_leaks([load_suite(tmp_path / "s")])["s"]["cases"]) == ["pair"]


@pytest.mark.parametrize("folder", find_suites([SHIPPED]), ids=lambda folder: folder.name)
def test_no_shipped_suite_leaks(folder: Path) -> None:
    """What is asked in the shipped suites does not stand in what is trained on."""
    assert find_leaks([load_suite(folder)]) == {}


def test_the_search_costs_a_run_little() -> None:
    """All shipped suites together take well under a second, so that no run waits for it."""
    suites = [load_suite(folder) for folder in find_suites([SHIPPED])]
    find_leaks(suites[:1])
    started = time.process_time()
    find_leaks(suites)
    assert time.process_time() - started < 1.0
