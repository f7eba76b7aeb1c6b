"""`evalkit record`, and `evalkit run --responses` on what it wrote: a real server, then none."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.run.store import locked
from tests.loopback import Loopback, Reply, as_json, refused, said, shouting
from tests.loopback import loopback as loopback
from tests.run.helpers import WORDS, write_suite


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one suite, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    write_suite(tmp_path / "words")
    return tmp_path


@pytest.fixture
def record(folder: Path, loopback: Loopback) -> Callable[..., int]:
    """The command, asking the test's server; gives the exit code."""

    out = str((folder / "out" / "answers.jsonl").relative_to(Path.cwd()))

    def run(source: str, *flags: str) -> int:
        return main(["record", source, "--model", f"m@{loopback.base_url}", "--out", out, *flags])

    return run


def answers(folder: Path) -> list[dict[str, Any]]:
    """The lines that were written."""
    text = (folder / "out" / "answers.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def verdicts(folder: Path) -> dict[str, list[tuple[str, Any]]]:
    """What each check said in the newest run, by case."""
    lines = (folder / "reports" / "latest" / "records.jsonl").read_text("utf-8").splitlines()
    return {
        record["case"]: [(verdict["check"], verdict["passed"]) for verdict in record["verdicts"]]
        for record in map(json.loads, lines)
    }


def test_recorded_then_graded_gives_the_verdicts_of_a_run(
    folder: Path, loopback: Loopback, record: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The same answers, the same verdicts, tokens and latencies; the second time nobody is asked."""
    loopback.rule = lambda body: said(body["messages"][-1]["content"].upper()[:4], prompt_tokens=7)
    flags = ["--base", f"m@{loopback.base_url}", "--variants", "prompted", "--no-gate", "--no-cache", "-q"]
    assert main(["run", "words", *flags]) == 0
    asked = verdicts(folder)
    assert record("words", "--variant", "prompted") == 0
    assert "out/answers.jsonl: 8 answers added; all 8 are there" in capsys.readouterr().out
    loopback.asked.clear()
    assert main(["run", "words", "--responses", "out/answers.jsonl"]) == 0
    shown = capsys.readouterr().out
    assert "all answers are recorded: nothing is asked" in shown
    assert "prompted: recorded answers of out/answers.jsonl" in shown
    assert verdicts(folder) == asked
    assert {passed for found in asked.values() for _, passed in found} == {True, False}
    assert loopback.asked == []
    assert not (folder / ".evalkit" / "server.log").exists()


def test_a_line_holds_what_was_sent_and_what_came(folder: Path, record: Callable[..., int]) -> None:
    """Asked as ft would be, without the long prompt; the reference is not sent, and nothing is checked."""
    assert record("words", "--repeat", "2", "-q") == 0
    found = [line for line in answers(folder) if line["case"] == "oslo"]
    assert sorted(line.pop("repeat") for line in found) == [0, 1]
    for line in found:
        assert line.pop("latency_ms") > 0
        assert line.pop("at").endswith("+00:00")
        assert line == {
            "suite": "words",
            "variant": "ft",
            "case": "oslo",
            "messages": [{"role": "user", "content": "oslo"}],
            "text": "oslo",
            "finish_reason": "stop",
            "usage": {
                "prompt_tokens": 1, "cached_tokens": None, "completion_tokens": 1, "total_tokens": None,
            },
            "model": "m",
        }  # fmt: skip


def test_bare_traffic_is_asked_as_it_stands(
    folder: Path, loopback: Loopback, record: Callable[..., int]
) -> None:
    """Messages, ask or prompt, each different line once, the last assistant message kept back; the lines are
    found again by a suite whose cases are that file, and by one that has given them ids and answers since."""
    system, user = {"role": "system", "content": "Loud!"}, {"role": "user", "content": "hi"}
    lines: list[dict[str, Any]] = [
        {"messages": [system, user, {"role": "assistant", "content": "HI"}]},
        {"ask": "ho"},
        {"prompt": "once"},
        {"ask": "ho"},
    ]
    (folder / "traffic.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert record("traffic.jsonl") == 0
    assert sorted(str(body.get("messages") or body.get("prompt")) for body in loopback.questions) == sorted(
        ["once", str([system, user]), str([{"role": "user", "content": "ho"}])]
    )
    assert sorted(line["text"] or "" for line in answers(folder)) == ["", "HI", "ho"]
    (folder / "grown").mkdir()
    (folder / "grown" / "suite.yaml").write_text(
        "cases:\n  - {id: a, ask: hi, answer: HI}\n  - {id: b, ask: ho, answer: ho}\nchecks: [equals]\n"
    )
    assert main(["run", "grown", "--responses", "out/answers.jsonl", "-q"]) == 0
    assert all(passed for found in verdicts(folder).values() for _, passed in found)


def test_what_was_answered_is_not_asked_again(
    folder: Path, loopback: Loopback, record: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors are no answers: exit 12, and the same command goes on, without the cache too."""
    words = set(WORDS[:3])

    def refusing(body: Any) -> Reply:
        return refused(400, "bad") if body["messages"][-1]["content"] in words else shouting(body)

    loopback.rule = refusing
    assert record("words", "--no-cache") == 12
    shown = capsys.readouterr().out
    assert "not asked: bad: HTTP 400: no (3)\nSome are missing. To go on: give the same command" in shown
    assert len(answers(folder)) == 5
    loopback.rule = shouting
    loopback.asked.clear()
    assert record("words", "--no-cache") == 0
    assert {body["messages"][-1]["content"] for body in loopback.questions} == words
    assert sorted(line["case"] for line in answers(folder)) == sorted(WORDS)
    assert record("words", "--no-cache", "--repeat", "2") == 0
    assert len(loopback.questions) == 3 + 8


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_a_torn_last_line_is_mended(
    folder: Path, loopback: Loopback, record: Callable[..., int], cut: int
) -> None:
    """A line of which the end is missing is asked for again; one of which only the line end is, is kept."""
    assert record("words", "--no-cache") == 0
    path = folder / "out" / "answers.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-cut])
    assert record("words", "--no-cache") == 0
    assert len(loopback.questions) == 8 + (cut > 1)
    assert sorted(line["case"] for line in answers(folder)) == sorted(WORDS)


def other_model(folder: Path) -> str:
    return (folder / "out" / "answers.jsonl").read_text().replace('"model":"m"', '"model":"other"')


def other_variant(folder: Path) -> str:
    return (folder / "out" / "answers.jsonl").read_text().replace('"variant":"ft"', '"variant":"base"')


def torn_stranger(folder: Path) -> str:
    return other_model(folder) + '{"suite":"words","variant":"ft","case":"os'


def other_prompt(folder: Path) -> str:
    return (folder / "out" / "answers.jsonl").read_text().replace('"content":"rome"', '"content":"Rome"')


STRANGERS: dict[str, tuple[Callable[[Path], str], str]] = {
    "model": (other_model, "is an answer of other, not of m"),
    "prompt": (other_prompt, "was asked in another way"),
    "variant": (other_variant, r"line 1 is of the variant base \(suite words\)"),
    "torn": (torn_stranger, "line 1 is an answer of other"),
    "case": (lambda _: '{"case": "bonn", "text": "x"}\n', r"line 1 answers another case \(bonn\)"),
    "notes": (lambda _: "my notes\n", r"answers\.jsonl:1: JSON is malformed"),
    "no line end": (lambda _: "my notes", "its last line is no answer of this recording"),
    "one line": (lambda _: '{"case":"bonn","text":"x"}', r"the last line answers another case"),
}


@pytest.mark.parametrize(("write", "told"), STRANGERS.values(), ids=STRANGERS)
def test_a_file_that_holds_something_else_is_refused_and_left_as_it_is(
    folder: Path,
    record: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    write: Callable[[Path], str],
    told: str,
) -> None:
    """Another model's answers, another suite's, or no answers at all: nothing is asked, nothing is lost."""
    assert record("words") == 0
    path = folder / "out" / "answers.jsonl"
    path.write_text(write(folder))
    before = path.read_text()
    assert record("words") == 4
    message = capsys.readouterr().err
    assert re.search(f"--out out/answers.jsonl holds something else: .*{told}.*; name another file", message)
    assert path.read_text() == before


def test_the_cap_holds_and_nothing_remote_is_asked_unnamed(
    folder: Path, loopback: Loopback, record: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """--max-cost ends with 11 and goes on; a model at OpenAI needs its key; faults name --model."""
    (folder / "evalkit.toml").write_text('[[prices]]\nmodel = "m"\nin = 1000.0\nout = 1000.0\n')
    assert record("words", "--max-cost", "0.26", "-n", "1", "--no-cache") == 11
    held = len(answers(folder))
    assert 0 < held < 8
    assert record("words", "--max-cost", "none", "--no-cache") == 0
    assert len(loopback.questions) == 8
    assert main(["record", "words", "--model", "gpt-4.1-mini", "--out", "x.jsonl"]) == 4
    assert "OPENAI_API_KEY is not set" in capsys.readouterr().err
    assert main(["record", "words", "--model", "m@nowhere", "--out", "x.jsonl"]) == 4
    assert "evalkit: --model: unknown endpoint 'nowhere'" in capsys.readouterr().err
    assert not (folder / "x.jsonl").exists()
    assert record("words", "--variant", "promted") == 4
    assert "--variant: unknown 'promted', did you mean prompted?" in capsys.readouterr().err


@pytest.mark.slow
def test_killed_at_any_moment_it_goes_on(folder: Path, loopback: Loopback) -> None:
    """kill -9 in the middle, twice: in the end every case is there once, and none was asked twice that was
    stored."""
    write_suite(folder / "words", [f"w{number}" for number in range(120)])

    def slowly(body: Any) -> Reply:
        time.sleep(0.005)
        return shouting(body)

    loopback.rule = slowly
    flags = ["--model", f"m@{loopback.base_url}", "--out", "a.jsonl", "--no-cache", "-n", "4", "-q"]
    path = folder / "a.jsonl"
    for enough in (20, 60):
        process = subprocess.Popen([sys.executable, "-m", "evalkit", "record", "words", *flags], cwd=folder)
        while not path.exists() or path.read_bytes().count(b"\n") < enough:
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
        process.wait()
    assert main(["record", "words", *flags]) == 0
    cases = [json.loads(line)["case"] for line in path.read_text().splitlines()]
    assert sorted(cases) == sorted(f"w{number}" for number in range(120))
    assert len(loopback.questions) <= 120 + 2 * 4


def test_two_at_once_on_one_file_is_refused(folder: Path, record: Callable[..., int]) -> None:
    """The second would ask what the first is asking."""
    (folder / "out").mkdir()
    (folder / "out" / "answers.jsonl").touch()
    handle = locked(folder / "out" / "answers.jsonl")
    try:
        assert record("words") == 4
    finally:
        os.close(handle)


def test_tool_calls_refusals_and_odd_texts_come_back_whole(
    folder: Path, loopback: Loopback, record: Callable[..., int]
) -> None:
    """Whatever a model says can be graded from the file: line separators, control characters, no text."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    odd: dict[str, dict[str, Any]] = {
        "oslo": {"content": "half \ufffd"},
        "rome": {"content": "\u2028\x85\n\x00"},
        "lima": {"content": None, "tool_calls": [call]},
        "cairo": {"content": None, "refusal": "No."},
        "quito": {"content": ""},
    }

    def oddly(body: Any) -> Reply:
        message = {"role": "assistant", **odd.get(body["messages"][-1]["content"], {"content": "x"})}
        return as_json({"model": "loop", "choices": [{"finish_reason": "stop", "message": message}]})

    loopback.rule = oddly
    assert record("words") == 0
    assert record("words") == 0
    assert main(["run", "words", "--responses", "out/answers.jsonl", "-q"]) == 0
    text = (folder / "reports" / "latest" / "records.jsonl").read_text("utf-8")
    found = {line["case"]: line["response"] for line in map(json.loads, text.strip().split("\n"))}
    for case, message in odd.items():
        kept = found[case]
        assert (kept["text"], kept["refusal"]) == (message["content"], message.get("refusal"))
        assert kept["tool_calls"] == message.get("tool_calls", [])


def test_what_may_have_been_charged_is_told(
    record: Callable[..., int], loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """An answer that broke off came whole at the second try: all are there, one was possibly billed."""
    loopback.rule = lambda body: (
        replace(shouting(body), cut=20) if len(loopback.questions) == 1 else shouting(body)
    )
    assert record("words") == 0
    told = capsys.readouterr().out
    assert f"all {len(WORDS)} are there" in told
    assert told.rstrip().endswith("possibly billed without an answer: 1")
