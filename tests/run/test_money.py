"""What was paid, or may have been: counted against the cap, and never lost from the account."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.config import Config, ModelFlags, load_config
from evalkit.endpoints.retry import RetryPolicy
from evalkit.report.load import load_report
from evalkit.run.run import run
from evalkit.run.store import read_records
from tests.loopback import Json, Loopback, Reply, as_json, said, shouting
from tests.run.helpers import Watching, config_for, options_for, run_in, write_suite

SOON = RetryPolicy(attempts=5, first_wait_s=0.01, longest_wait_s=0.01)
A_DOLLAR_A_TOKEN = '[[prices]]\nmodel = "plain"\nin = 0\nout = 1000000\n'


def torn(body: Json) -> Reply:
    """An answer that breaks off: the server has made it, and may charge it."""
    return replace(shouting(body), cut=20)


def judged(folder: Path, server: Loopback) -> Config:
    """`prompted`, with a judge."""
    folder.mkdir(parents=True, exist_ok=True)
    place = server.base_url
    flags = ModelFlags(base=f"plain@{place}", judge=f"judge@{place}", variants=("prompted",))
    return load_config(folder, flags, {})


def test_a_try_that_may_have_been_charged_counts_before_the_next(tmp_path: Path, loopback: Loopback) -> None:
    """At a dollar a try and a cap of 2.50 there are two, not the five of the policy; both are recorded."""
    loopback.rule = torn
    suite = write_suite(tmp_path / "s", ["oslo", "rome"], "params: {max_tokens: 1}\n")
    config = config_for(tmp_path, loopback, "prompted", toml=A_DOLLAR_A_TOKEN)
    outcome = run([suite], config, options_for(tmp_path, max_cost=2.5, concurrency=1), Watching(), SOON)
    assert len(loopback.questions) == 2
    assert outcome.stopped == "budget"
    assert [record.possibly_billed for record in read_records(outcome.folder)] == [2]


@pytest.mark.parametrize(
    "params",
    ["extra_body: {max_tokens: 10}", "max_tokens: 1, extra_body: {n: 10}", "max_tokens: 1, best_of: 10"],
)
def test_whatever_makes_an_answer_dear_is_held_back(params: str, tmp_path: Path, loopback: Loopback) -> None:
    """Ten dollars under a cap of five: nothing is asked."""
    suite = write_suite(tmp_path / "s", ["oslo"], f"params: {{{params}}}\n")
    config = config_for(tmp_path, loopback, "prompted", toml=A_DOLLAR_A_TOKEN)
    outcome, records = run_in(tmp_path, suite, config, max_cost=5.0)
    assert (outcome.stopped, records, loopback.questions) == ("budget", [], [])


def test_the_judge_s_lost_answers_are_in_the_account(tmp_path: Path, loopback: Loopback) -> None:
    """Its first answer broke off: one possibly billed, in the record and in the figures."""
    asked: Counter[str] = Counter()

    def rule(body: Json) -> Reply:
        asked[body["model"]] += 1
        if body["model"] != "judge":
            return shouting(body)
        grade = said('{"reason": "loud", "score": 5}')
        return replace(grade, cut=20) if asked["judge"] == 1 else grade

    loopback.rule = rule
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "tone.md").write_text("Be loud.", "utf-8")
    suite = write_suite(tmp_path / "s", ["oslo"], "  - rubric: {file: tone.md, threshold: 0.5}\n")
    outcome, records = run_in(tmp_path, suite, judged(tmp_path, loopback))
    assert asked["judge"] == 2
    assert records[0].judge["possibly_billed"] == 1
    assert load_report(outcome.folder).comparison.total[0].judge_possibly_billed == 1


def test_a_number_that_no_machine_word_holds_is_kept(tmp_path: Path, loopback: Loopback) -> None:
    """In a tool call's arguments, as some servers send them: no answer of the run is paid for again."""

    def calling(_: Json) -> Reply:
        call = {"type": "function", "function": {"name": "find", "arguments": {"isbn": 10**23 - 1}}}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        return as_json({"choices": [{"index": 0, "finish_reason": "tool_calls", "message": message}]})

    loopback.rule = calling
    suite, config = write_suite(tmp_path / "s", ["oslo", "rome"]), config_for(tmp_path, loopback, "prompted")
    first, before = run_in(tmp_path, suite, config)
    again, after = run_in(tmp_path, suite, config)
    assert (first.asked, again.cached, len(loopback.questions)) == (2, 2, 2)
    assert [record.response for record in after] == [record.response for record in before]


def test_lost_answers_stay_in_the_account_of_the_one_that_came(tmp_path: Path, loopback: Loopback) -> None:
    """Out of the cache too: a run that was killed before it wrote its record takes the answer from there."""
    loopback.rule = lambda body: torn(body) if len(loopback.questions) == 1 else shouting(body)
    suite, config = write_suite(tmp_path / "s", ["oslo"]), config_for(tmp_path, loopback, "prompted")
    for cached in (False, True):
        outcome = run([suite], config, options_for(tmp_path), Watching(), SOON)
        (record,) = read_records(outcome.folder)
        assert (record.cached, record.attempts, record.possibly_billed) == (cached, 2, 1)


def test_what_a_run_may_have_been_charged_outlives_its_going_on(tmp_path: Path, loopback: Loopback) -> None:
    """Three answers were lost, then the case was asked again: one record, and three possibly billed."""
    suite, config = write_suite(tmp_path / "s", ["oslo", "rome"]), config_for(tmp_path, loopback, "prompted")
    loopback.rule = lambda body: torn(body) if "oslo" in str(body) else shouting(body)
    begun = run([suite], config, options_for(tmp_path), Watching(), replace(SOON, attempts=3))
    assert begun.errors == 1
    loopback.rule = shouting
    for _ in range(2):
        run([suite], config, options_for(tmp_path, resume=begun.folder), Watching(), SOON)
    records = list(read_records(begun.folder))
    assert sorted((record.case, record.possibly_billed) for record in records) == [("oslo", 0), ("rome", 0)]
    (row,) = load_report(begun.folder).comparison.total
    assert (row.errors, row.possibly_billed, len(loopback.questions)) == (0, 3, 5)
