"""Endpoints that would refuse everything are not asked on; answers that wait for a judge are kept."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.config import Config, ModelFlags, load_config
from evalkit.run.regrade import regrade
from evalkit.run.run import run
from evalkit.run.store import read_records
from evalkit.suite import Suite
from tests.loopback import Json, Loopback, Reply, refused, said, shouting
from tests.run.helpers import Watching, config_for, options_for, run_in, write_suite

WORDS = [f"word{number}" for number in range(20)]


def judged(folder: Path, server: Loopback) -> tuple[Suite, Config]:
    """Four cases with a rubric, asked of `prompted`, and of a judge at the same place."""
    (folder / "cities").mkdir()
    (folder / "cities" / "tone.md").write_text("Be loud.", "utf-8")
    suite = write_suite(folder / "cities", WORDS[:4], "  - rubric: {file: tone.md, threshold: 0.5}\n")
    place = server.base_url
    flags = ModelFlags(base=f"plain@{place}", judge=f"judge@{place}", variants=("prompted",))
    return suite, load_config(folder, flags, {})


@pytest.mark.parametrize(
    ("status", "code", "remedy"),
    [
        (401, "invalid_api_key", "look at"),
        (403, "forbidden", "look at"),
        (429, "insufficient_quota", "add credit to the account"),
    ],
)
def test_a_hopeless_refusal_ends_the_questions_to_that_endpoint(
    tmp_path: Path, loopback: Loopback, status: int, code: str, remedy: str
) -> None:
    """Told once, with the remedy; the rest is not tried, and a resumed run asks all of it."""
    loopback.rule = lambda _: refused(status, code)
    suite, watching = write_suite(tmp_path / "cities", WORDS), Watching()
    config = config_for(tmp_path, loopback, "base")
    outcome, records = run_in(tmp_path, suite, config, watching, concurrency=4)
    assert len(loopback.questions) == len(records) == outcome.errors <= 4
    assert outcome.errors + outcome.unasked == len(WORDS)
    assert [note for note in watching.notes if remedy in note and "--resume" in note] == watching.notes
    assert {(record.attempts, record.possibly_billed) for record in records} == {(1, 0)}
    loopback.rule = shouting
    outcome, records = run_in(tmp_path, suite, config, resume=outcome.folder)
    assert (outcome.errors, outcome.unasked, len(records)) == (0, 0, len(WORDS))


def test_other_endpoints_are_asked_on(tmp_path: Path, loopback: Loopback) -> None:
    """Where one refuses the key, the answers of the others still come."""
    other = Loopback()
    other.rule = lambda _: refused(401, "invalid_api_key")
    toml = f"[variants.locked]\nmodel = 'm@{other.base_url}'\n"
    config = config_for(tmp_path, loopback, "base", "locked", toml=toml)
    outcome, records = run_in(tmp_path, write_suite(tmp_path / "cities", WORDS), config, concurrency=2)
    other.close()
    assert sum(record.variant == "base" for record in records) == len(WORDS)
    assert outcome.errors + outcome.unasked == len(WORDS)


def test_a_bad_request_fails_its_case_only(tmp_path: Path, loopback: Loopback) -> None:
    """Not retried, not a reason to stop."""
    loopback.rule = lambda body: refused(400, "too_long") if "word7" in str(body) else shouting(body)
    outcome, records = run_in(
        tmp_path, write_suite(tmp_path / "cities", WORDS), config_for(tmp_path, loopback, "base")
    )
    assert (outcome.errors, outcome.unasked, len(records)) == (1, 0, len(WORDS))
    assert len(loopback.questions) == len(WORDS)


def test_answers_are_kept_while_their_judges_think(tmp_path: Path, loopback: Loopback) -> None:
    """With --no-cache too: a run that is stopped meanwhile and gone on with asks its models nothing again;
    what it kept goes when it has ended."""
    suite = write_suite(tmp_path / "cities", WORDS[:6], more="  - rubric: Is it polite?\n")
    grade = json.dumps({"reason": "yes", "score": 5})

    def rule(body: Json) -> Reply:
        if body["model"] != "judge":
            return said("HELLO", prompt_tokens=3, completion_tokens=1)
        return said(grade, prompt_tokens=3, completion_tokens=1)

    loopback.rule = rule
    toml = f"[models]\njudge = 'judge@judges'\n[endpoints.judges]\nbase_url = '{loopback.base_url}'\n"
    toml += "[[prices]]\nmodel = 'judge'\nin = 1000000\nout = 1000000\n"
    config = config_for(tmp_path, loopback, "base", toml=toml)
    stopped, records = run_in(tmp_path, suite, config, use_cache=False, max_cost=20.0, concurrency=6)
    assert stopped.stopped == "budget"
    assert len(records) < 6
    assert list(stopped.folder.glob("answers*.sqlite"))
    asked = [body for body in loopback.questions if body["model"] != "judge"]
    options = replace(options_for(tmp_path, use_cache=False, max_cost=None), resume=stopped.folder)
    whole = run([suite], config, options, Watching())
    again = [body for body in loopback.questions if body["model"] != "judge"]
    assert (whole.errors, len(again)) == (0, 6)
    assert len(asked) <= 6
    assert not list(stopped.folder.glob("answers*.sqlite"))


def test_a_seed_counts_on_with_the_repeats(tmp_path: Path, loopback: Loopback) -> None:
    """Under one seed all repeats would be alike; without one none is sent."""
    suite = write_suite(tmp_path / "cities", WORDS[:1], more="params: {seed: 40}\n")
    run_in(tmp_path, suite, config_for(tmp_path, loopback, "base"), repeat=3)
    assert sorted(body["seed"] for body in loopback.questions) == [40, 41, 42]
    loopback.asked.clear()
    run_in(tmp_path, write_suite(tmp_path / "b", WORDS[:1]), config_for(tmp_path, loopback, "base"), repeat=2)
    assert all("seed" not in body for body in loopback.questions)


def test_stored_answers_are_graded_though_their_endpoint_is_closed(
    tmp_path: Path, loopback: Loopback
) -> None:
    """The judge is refused for good at the endpoint that once answered: the other checks still count."""
    suite, config = judged(tmp_path, loopback)
    first, _ = run_in(tmp_path, suite, config)
    loopback.rule = lambda _: refused(429, "insufficient_quota")
    options = options_for(tmp_path, concurrency=1, use_cache=False)
    again = asyncio.run(regrade(first.folder, [suite], config, options, Watching()))
    assert again.unasked == 0
    assert [record.verdicts[0].passed for record in read_records(again.folder)] == [True] * 4


def test_a_run_s_own_cache_leaves_nothing_behind(tmp_path: Path, loopback: Loopback) -> None:
    """With --no-cache answers wait for their judges in the run's folder; at its end they are records."""
    suite, config = judged(tmp_path, loopback)
    outcome, _ = run_in(tmp_path, suite, config, use_cache=False)
    assert sorted(path.name for path in outcome.folder.iterdir()) == ["records.jsonl", "run.json"]
