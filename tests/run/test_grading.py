"""Judges: asked through the same cache and budget, accounted apart, never guessed at."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import threading
import time
from collections.abc import Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.checks.base import Seen
from evalkit.config import EMBEDDED_JUDGE, LOCAL, Config, ModelFlags, ModelRef, load_config
from evalkit.endpoints.base import Request
from evalkit.errors import UsageError
from evalkit.run.asker import Answer
from evalkit.run.codec import passed
from evalkit.run.grading import EMBEDDED_RUBRIC, JudgeDesk
from evalkit.run.records import Record
from evalkit.suite import Suite, load_suite
from tests.loopback import Json, Loopback, Reply, refused, said, shouting
from tests.run.helpers import Watching, run_in

SUITE = """
prompt: Answer in capitals.
cases: [{id: oslo, ask: oslo}, {id: rome, ask: rome}]
checks:
  - rubric: {text: Is it loud?, threshold: 0.5}
"""


def suite_in(folder: Path) -> Suite:
    """A suite with one rubric."""
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE, "utf-8")
    return load_suite(folder)


def config_with_judge(folder: Path, server: Loopback, toml: str = "", **flags: Any) -> Config:
    """Prompted alone, judged by model `judge` of the same server."""
    (folder / "evalkit.toml").write_text(toml, "utf-8")
    judge = {"judge": f"judge@{server.base_url}", **flags}
    return load_config(
        folder, ModelFlags(base=f"plain@{server.base_url}", variants=("prompted",), **judge), {}
    )


def judging(body: Json, grade: str | Reply = '{"reason": "loud", "score": 4}') -> Reply:
    """The usual rule for models; the judge gives `grade`."""
    if body["model"] != "judge":
        return shouting(body)
    return said(grade, prompt_tokens=50, completion_tokens=10) if isinstance(grade, str) else grade


def verdict_of(records: list[Record]) -> tuple[bool | None, float | None, str]:
    """The rubric's verdict of the first record."""
    found = records[0].verdicts[-1]
    return found.passed, found.score, found.reason


def test_a_judge_s_form_becomes_a_verdict(tmp_path: Path, loopback: Loopback) -> None:
    """4 of 5 points are 0.75; tokens and cost of the judge are recorded apart from the answer's."""
    loopback.rule = judging
    toml = '[[prices]]\nmodel = "judge"\nin = 10\nout = 50\n[[prices]]\nmodel = "plain"\nin = 1000\nout = 0\n'
    config = config_with_judge(tmp_path, loopback, toml)
    _, records = run_in(tmp_path, suite_in(tmp_path / "loud"), config)
    assert [passed(record.verdicts) for record in records] == [True, True]
    assert verdict_of(records) == (True, 0.75, "loud")
    assert records[0].cost_usd == pytest.approx(4 * 1000 / 1e6)
    assert dict(records[0].judge) == {
        "model": "judge",
        "endpoint": loopback.base_url.removeprefix("http://"),
        "requests": 1,
        "cached": 0,
        "possibly_billed": 0,
        "prompt_tokens": 50,
        "completion_tokens": 10,
        "cost_usd": pytest.approx((50 * 10 + 10 * 50) / 1e6),
    }


@pytest.mark.parametrize(
    ("grade", "why"),
    [
        ("Y", "no JSON"),
        ('{"reason": "loud", "score": 9}', "not the form"),
        ('{"score": 4}', "not the form"),
        (refused(400, "no_judging", "no"), "the judge could not be asked: no_judging"),
    ],
)
def test_an_unreadable_judge_gives_the_third_state(
    tmp_path: Path, loopback: Loopback, grade: str | Reply, why: str
) -> None:
    """Neither pass nor fail: null, with the reason."""
    loopback.rule = lambda body: judging(body, grade)
    _, records = run_in(tmp_path, suite_in(tmp_path / "loud"), config_with_judge(tmp_path, loopback))
    assert [passed(record.verdicts) for record in records] == [None, None]
    assert verdict_of(records)[:2] == (None, None)
    assert why in verdict_of(records)[2]


def test_a_grade_is_asked_for_once(tmp_path: Path, loopback: Loopback) -> None:
    """The judge's answers are cached like any other."""
    loopback.rule = judging
    suite, config = suite_in(tmp_path / "loud"), config_with_judge(tmp_path, loopback)
    run_in(tmp_path, suite, config)
    loopback.asked.clear()
    _, records = run_in(tmp_path, suite, config)
    assert loopback.questions == []
    assert [record.judge["cached"] for record in records] == [1, 1]


def test_the_judge_counts_against_the_budget(tmp_path: Path, loopback: Loopback) -> None:
    """Judging alone can stop a run; the answer whose judge was not paid is graded after the resume."""
    loopback.rule = judging
    suite = suite_in(tmp_path / "loud")
    config = config_with_judge(tmp_path, loopback, '[[prices]]\nmodel = "judge"\nin = 0\nout = 100000\n')
    outcome, records = run_in(tmp_path, suite, config, max_cost=1.0)
    assert (outcome.stopped, records) == ("budget", [])
    outcome, records = run_in(tmp_path, suite, config, max_cost=None, resume=outcome.folder)
    assert outcome.stopped is None
    assert [passed(record.verdicts) for record in records] == [True, True]
    assert sum(body["model"] == "plain" for body in loopback.questions) == 2, "an answer was paid for twice"


def test_a_remote_run_with_a_rubric_needs_a_judge(tmp_path: Path, loopback: Loopback) -> None:
    """Nothing is asked before it is named."""
    config = config_with_judge(tmp_path, loopback, judge=None)
    with pytest.raises(UsageError, match="judge is not named; add --judge"):
        run_in(tmp_path, suite_in(tmp_path / "loud"), config)
    assert loopback.questions == []


def test_a_broken_check_loses_its_verdict_and_not_the_answer(tmp_path: Path, loopback: Loopback) -> None:
    """A fault of a check is told in a null verdict; the answer stays recorded."""
    folder = tmp_path / "loud"
    folder.mkdir()
    (folder / "suite.yaml").write_text("cases: [{ask: oslo, answer: oslo}]\nchecks: [equals]\n", "utf-8")
    suite = load_suite(folder)

    class Broken:
        default_kind = "property"

        def check(self, seen: object) -> object:
            raise ZeroDivisionError(seen.__class__.__name__)

    broken = replace(suite.checks[0], check=Broken(), name="broken")  # type: ignore[arg-type]
    config = config_with_judge(tmp_path, loopback)
    _, records = run_in(tmp_path, replace(suite, checks=(broken,)), config)
    passed_, _, reason = verdict_of(records)
    assert passed_ is None
    assert "ZeroDivisionError: Seen" in reason
    assert records[0].response is not None


def test_no_key_in_any_file(tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that echoes the key in answers, errors and grades leaves no trace of it."""
    key = "sk-planted-0123456789abcdef"
    monkeypatch.setenv("LOOP_API_KEY", key)

    def echoing(body: Json) -> Reply:
        if body["messages"][-1]["content"] == "rome":
            return refused(400, "bad", f"bad key {key}")
        return (
            judging(body, json.dumps({"reason": key, "score": 1})) if body["model"] == "judge" else said(key)
        )

    loopback.rule = echoing
    toml = f'[endpoints.loop]\nbase_url = "{loopback.base_url}"\napi_key_env = "LOOP_API_KEY"\n'
    (tmp_path / "evalkit.toml").write_text(toml, "utf-8")
    flags = ModelFlags(base="plain@loop", judge="judge@loop", variants=("prompted",))
    outcome, _ = run_in(tmp_path, suite_in(tmp_path / "loud"), load_config(tmp_path, flags))
    assert outcome.errors == 1
    assert all(headers["authorization"] == f"Bearer {key}" for _, headers, _ in loopback.asked)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"run.json", "records.jsonl", "answers.v3.sqlite"} <= {path.name for path in written}
    assert not [path for path in written if key.encode() in path.read_bytes()]


def test_a_judge_that_hangs_holds_nobody_up(tmp_path: Path, loopback: Loopback) -> None:
    """Interrupted twice, a run ends though checks are waiting for their judge."""
    slow = Reply(body=b"{}", delay_s=60)
    loopback.rule = lambda body: judging(body, slow)
    watching = Watching()

    def press() -> None:
        while sum(body["model"] == "judge" for body in loopback.questions) < 2:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        while not watching.notes:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    pressing = threading.Thread(target=press)
    pressing.start()
    config = config_with_judge(tmp_path, loopback)
    outcome, records = run_in(tmp_path, suite_in(tmp_path / "loud"), config, watching)
    pressing.join()
    assert (outcome.stopped, records) == ("interrupted", [])
    deadline = time.monotonic() + 10
    while any(thread.name.startswith("checks") for thread in threading.enumerate()):
        assert time.monotonic() < deadline, "a check still waits for its judge"
        time.sleep(0.01)


class NeverAsked:
    """Whoever asks it, fails."""

    def ask(self, request: Request, endpoint: str, repeat: int = 0) -> Coroutine[Any, Any, Answer]:
        """Asking is what must not happen."""
        raise AssertionError((request, endpoint, repeat))


def test_the_embedded_judge_serves_the_shipped_rubric_alone() -> None:
    """Under any other rubric it would guess: null, and how to mend it."""
    desk = JudgeDesk(ModelRef(EMBEDDED_JUDGE, LOCAL), NeverAsked(), asyncio.new_event_loop())
    grade = desk("Is it polite?", Seen("Hello."))
    desk.loop.close()
    assert grade.score is None
    assert "--judge" in grade.reason
    assert desk.account() == {}
    shipped = Path(__file__).resolve().parents[2] / "suites" / "marv" / "tone.md"
    assert hashlib.sha256(shipped.read_text("utf-8").strip().encode()).hexdigest() == EMBEDDED_RUBRIC
