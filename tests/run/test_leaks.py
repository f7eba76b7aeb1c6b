"""Leaks from a run's side: found before it asks, told of, and kept in run.json."""

from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.run.leaks import find_leaks, leaked_cases
from evalkit.run.store import read_info
from evalkit.suite import Suite, find_suites, load_suite
from tests.locked import ENTRY
from tests.loopback import Loopback
from tests.run.helpers import WORDS, Watching, config_for, run_in, write_suite

LOCKED = replace(
    ENTRY, model="tuned", base="plain", endpoint="tests", base_url=None, source="", data_sha256=""
)

SHIPPED = Path(__file__).resolve().parents[2] / "suites"


def suite_with_training(folder: Path, *asked: str) -> Suite:
    """A suite that learns from so many lines."""
    lines = (f'{{"ask": "{ask}", "answer": "{ask.upper()}"}}\n' for ask in asked)
    folder.mkdir(parents=True)
    (folder / "train.jsonl").write_text("".join(lines), "utf-8")
    return write_suite(folder, more="train: train.jsonl\n")


def own_leaks(*suites: Suite) -> dict[str, Any]:
    """What stands in the suites' own training data."""
    return find_leaks(suites, {suite.name: [suite.train] for suite in suites if suite.train})


def test_a_run_tells_of_leaks_and_keeps_them(tmp_path: Path, loopback: Loopback) -> None:
    """A note before the first request; run.json names the cases, what leaked and the line of train.jsonl."""
    suite = suite_with_training(tmp_path / "capitals", "tokyo", "Rome!", "oslo")
    watching = Watching()
    outcome, _ = run_in(tmp_path, suite, config_for(tmp_path, loopback), watching)
    info = read_info(outcome.folder)
    assert info["leaks"]["capitals"]["cases"] == {
        "oslo": {"part": "question", "similarity": 1.0, "train": "train.jsonl", "line": 3},
        "rome": {"part": "question", "similarity": 1.0, "train": "train.jsonl", "line": 2},
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
    assert list(own_leaks(load_suite(tmp_path / "s"))["s"]["cases"]) == ["pair"]


@pytest.mark.parametrize("folder", find_suites([SHIPPED]), ids=lambda folder: folder.name)
def test_no_shipped_suite_leaks(folder: Path) -> None:
    """What is asked in the shipped suites does not stand in what is trained on."""
    assert own_leaks(load_suite(folder)) == {}


def test_the_search_costs_a_run_little() -> None:
    """All shipped suites together take well under a second, so that no run waits for it."""
    suites = [load_suite(folder) for folder in find_suites([SHIPPED])]
    own_leaks(suites[0])
    started = time.process_time()
    own_leaks(*suites)
    assert time.process_time() - started < 1.0


@pytest.mark.parametrize(("as_uploaded", "leaked"), [(True, ["lima", "rome"]), (False, ["rome"])])
def test_the_file_of_a_locked_model_is_searched_too(
    tmp_path: Path, loopback: Loopback, as_uploaded: bool, leaked: list[str]
) -> None:
    """A model that `evalkit tune` made of a file has seen what stands there, if it is that file still."""
    suite = suite_with_training(tmp_path / "capitals", "rome")
    built = tmp_path / "built.jsonl"
    built.write_text('{"messages": [{"role": "user", "content": "Lima?"}]}\n{"ask": "rome"}\n')
    sha256 = hashlib.sha256(built.read_bytes() if as_uploaded else b"").hexdigest()
    config = config_for(tmp_path, loopback)
    entry = replace(LOCKED, source=str(built), data_sha256=sha256, base_url=loopback.base_url)
    outcome, _ = run_in(tmp_path, suite, replace(config, locked=(entry,)))
    cases = read_info(outcome.folder)["leaks"]["capitals"]["cases"]
    assert sorted(cases) == leaked
    assert cases["rome"]["train"] == "train.jsonl"
