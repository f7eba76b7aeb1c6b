"""Runs whose answers come from a file: graded as if they had been asked for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from evalkit.config import Config, ModelFlags, load_config
from evalkit.errors import InputError, UsageError
from evalkit.run.options import RunOptions
from evalkit.run.records import Record
from evalkit.run.run import run
from evalkit.run.store import read_info
from evalkit.suite import load_suite
from tests.loopback import Loopback
from tests.run.helpers import WORDS, Watching, config_for, options_for, run_in, write_suite


def recorded(folder: Path, *lines: dict[str, Any], toml: str = "", **flags: Any) -> Config:
    """A configuration that answers from these lines."""
    path = folder / "answers.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (folder / "evalkit.toml").write_text(toml)
    return load_config(folder, ModelFlags(responses=str(path), **flags), {})


def by_case(records: list[Record]) -> dict[tuple[str, str, int], Record]:
    """The records by case, variant and repeat."""
    return {(record.case, record.variant, record.repeat): record for record in records}


ANSWERS = [{"case": word, "text": word.upper()} for word in WORDS]


def test_recorded_answers_are_graded_with_no_endpoint(tmp_path: Path) -> None:
    """By id or by prompt; usage, price and latency as far as they are there; nothing made up; none asked."""
    suite = write_suite(tmp_path / "s", WORDS[:3])
    usage = {"prompt_tokens": 10, "completion_tokens": 2}
    config = recorded(
        tmp_path,
        {"case": "oslo", "text": "OSLO", "usage": usage, "latency_ms": 7, "model": "m", "at": "2026-01-01"},
        {"prompt": "rome", "response": "Rome"},
        {"case": "lima", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": ""}}]},
        toml='[[prices]]\nmodel = "m"\nin = 1.0\nout = 10.0\n',
    )
    outcome, records = run_in(tmp_path, suite, config)
    found = {record.case: record for record in records}
    assert (outcome.errors, outcome.cached, len(records)) == (0, 0, 3)
    oslo, rome, lima = found["oslo"], found["rome"], found["lima"]
    assert {record.endpoint for record in records} == {record.variant for record in records} == {"recorded"}
    assert all(verdict.passed for verdict in oslo.verdicts)
    assert oslo.cost_usd == pytest.approx(30e-6)
    assert oslo.response
    assert (oslo.response.latency_ms, oslo.at, oslo.attempts, oslo.cached) == (7, "2026-01-01", 0, False)
    assert rome.response
    assert [verdict.passed for verdict in rome.verdicts] == [False]
    assert (rome.response.latency_ms, rome.response.usage.prompt_tokens, rome.cost_usd) == (None, None, None)
    assert (lima.verdicts[0].value, lima.verdicts[0].passed) == ("tool_calls", False)


def test_what_does_not_go_together_is_counted_and_listed(tmp_path: Path) -> None:
    """Before figures are made, in run.json, and as errors of type no_answer: never as wrong answers."""
    suite, watching = write_suite(tmp_path / "s"), Watching()
    config = recorded(tmp_path, *ANSWERS[2:], {"case": "bonn", "text": "BONN"}, {"prompt": "x", "text": "y"})
    outcome, records = run_in(tmp_path, suite, config, watching)
    file = tmp_path / "answers.jsonl"
    assert watching.notes == [
        f"{file}: 2 of 8 answers match no case: line 7 (bonn), line 8",
        f"recorded: 2 of 8 cases have no answer, or too few, in {file}: oslo, rome",
    ]
    (told,) = read_info(outcome.folder)["responses"]
    assert (told["unmatched"]["count"], told["missing"]) == (2, {"count": 2, "first": ["oslo", "rome"]})
    errors = {record.case: record.error.type for record in records if record.error}
    assert errors == {"oslo": "no_answer", "rome": "no_answer"}
    assert outcome.errors == 2


def test_a_partial_run_counts_what_it_leaves_out_as_no_stray(tmp_path: Path) -> None:
    """-k, --limit and the like choose cases; answers of the others are not unmatched."""
    suite, watching = write_suite(tmp_path / "s"), Watching()
    outcome, records = run_in(tmp_path, suite, recorded(tmp_path, *ANSWERS), watching, limit=3)
    assert (len(records), outcome.errors, watching.notes) == (3, 0, [])


def test_an_answer_to_another_question_is_not_graded(tmp_path: Path) -> None:
    """Under the case's id, but the line says that something else was asked; with any of the suite's prompts
    it is the same question."""
    suite = write_suite(tmp_path / "s", WORDS[:3])
    asked = {"oslo": "oslo", "rome": "What is 2+2?"}
    lines = [{"case": case, "prompt": prompt, "text": case.upper()} for case, prompt in asked.items()]
    messages = [{"role": "system", "content": "Answer in capitals."}, {"role": "user", "content": WORDS[2]}]
    told = {"case": WORDS[2], "messages": messages, "text": WORDS[2].upper()}
    outcome, records = run_in(tmp_path, suite, recorded(tmp_path, *lines, told))
    errors = [record.error.message for record in records if record.error]
    assert outcome.errors == len(errors) == 1
    assert errors[0].endswith("has an answer to another question for this case")


def test_several_answers_of_a_case_are_its_repeats(tmp_path: Path) -> None:
    """--repeat says how many of each are graded; more are told of, and too few are errors."""
    suite, watching = write_suite(tmp_path / "s", WORDS[:2]), Watching()
    lines = [{"case": "oslo", "text": text} for text in ("OSLO", "oslo", "x")]
    config = recorded(tmp_path, *lines, {"case": "rome", "text": "R"})
    _, records = run_in(tmp_path, suite, config, watching, repeat=2)
    found = by_case(records)
    texts = [found["oslo", "recorded", repeat].response for repeat in (0, 1)]
    assert [response and response.text for response in texts] == ["OSLO", "oslo"]
    error = found["rome", "recorded", 1].error
    assert error
    assert error.message.endswith("answers.jsonl has no answer number 2 for this case")
    assert watching.notes[0].endswith(
        "1 of 2 cases have no answer, or too few, in " + f"{tmp_path}/answers.jsonl: rome"
    )
    assert watching.notes[1].endswith("1 more answers of the same cases; --repeat N grades N of each")


def test_recorded_and_asked_variants_stand_side_by_side(tmp_path: Path, loopback: Loopback) -> None:
    """Last month's ft from a file, base and prompted asked: --repeat, --workers and --resume as ever."""
    suite = write_suite(tmp_path / "s")
    (tmp_path / "old.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in ANSWERS))
    toml = '[variants.old]\nresponses = "old.jsonl"\n'
    config = config_for(tmp_path, loopback, "prompted", "old", toml=toml)
    _, records = run_in(tmp_path, suite, config)
    assert len(records) == 2 * len(WORDS)
    assert all(verdict.passed for record in records for verdict in record.verdicts)
    assert len(loopback.questions) == len(WORDS)


@pytest.mark.slow
def test_workers_find_the_same_answers(tmp_path: Path) -> None:
    """Each process opens the file for itself."""
    suite = write_suite(tmp_path / "s")
    _, records = run_in(tmp_path, suite, recorded(tmp_path, *ANSWERS), workers=2)
    assert {record.case: record.response.text for record in records if record.response} == {
        word: word.upper() for word in WORDS
    }


def test_a_judge_is_asked_as_ever(tmp_path: Path, loopback: Loopback) -> None:
    """A rubric on recorded answers: the judge alone is asked."""
    suite = write_suite(tmp_path / "s", WORDS[:2], "  - rubric: {text: Is it loud?, threshold: 0.5}\n")
    config = recorded(tmp_path, *ANSWERS[:2], judge=f"judge@{loopback.base_url}")
    _, records = run_in(tmp_path, suite, config)
    assert {body["model"] for body in loopback.questions} == {"judge"}
    assert [record.judge["requests"] for record in records] == [1, 1]


def test_resume_notices_another_file(tmp_path: Path) -> None:
    """The file's hash is part of the plan: a run is not finished with other answers than it began with."""
    suite, config = write_suite(tmp_path / "s"), recorded(tmp_path, *ANSWERS[:4])
    outcome, _ = run_in(tmp_path, suite, config)
    again = options_for(tmp_path, resume=outcome.folder)
    assert run([suite], config, again, Watching()).errors == 4
    config = recorded(tmp_path, *ANSWERS)
    with pytest.raises(UsageError, match="responses changed since that run began"):
        run([suite], config, again, Watching())


def test_dry_runs_and_caps_count_no_recorded_answer(tmp_path: Path) -> None:
    """A model without a price needs none where nothing is asked."""
    suite = write_suite(tmp_path / "s")
    config = recorded(tmp_path, *({**line, "model": "unheard-of"} for line in ANSWERS))
    outcome, records = run_in(tmp_path, suite, config, max_cost=0.01)
    estimate = read_info(outcome.folder)["estimate"]
    assert (estimate["requests"], estimate["usd"], outcome.errors) == (0, 0.0, 0)
    assert {record.cost_usd for record in records} == {None}


def test_answers_of_the_embedded_models_cost_nothing(tmp_path: Path) -> None:
    """Whoever recorded them ran them on a machine of his own: a true 0, not an unknown price."""
    usage, suite = {"prompt_tokens": 9, "completion_tokens": 1}, write_suite(tmp_path / "s", WORDS[:2])
    models = ("evalkit-tiny", "ft:evalkit-tiny:local::j1")
    lines = [{**line, "usage": usage, "model": model} for line, model in zip(ANSWERS, models, strict=False)]
    _, records = run_in(tmp_path, suite, recorded(tmp_path, *lines))
    assert [record.cost_usd for record in records] == [0.0, 0.0]


def test_a_bad_line_ends_the_run_before_it_begins(tmp_path: Path) -> None:
    """With its place; no folder is made."""
    suite = write_suite(tmp_path / "s")
    config = recorded(tmp_path, *ANSWERS)
    (tmp_path / "answers.jsonl").write_text('{"case": "oslo"}\n')
    with pytest.raises(InputError, match=r"answers\.jsonl:1: text: is missing"):
        run([suite], config, RunOptions(out=tmp_path / "reports", state=tmp_path / ".evalkit"), Watching())
    assert not (tmp_path / "reports").exists()


def test_the_published_answers_to_ifeval_all_find_their_prompt(tmp_path: Path) -> None:
    """541 lines of {"prompt", "response"}, long ones among them, are matched by the exact text."""
    data = Path(__file__).parents[2].parent / "shared" / "data" / "ifeval"
    if not data.is_dir():
        pytest.skip("needs ../shared/data/ifeval")
    rows = [json.loads(line) for line in (data / "input_data.jsonl").read_text("utf-8").splitlines()]
    cases = [json.dumps({"id": str(row["key"]), "ask": row["prompt"]}) for row in rows]
    (tmp_path / "ifeval").mkdir()
    (tmp_path / "ifeval" / "cases.jsonl").write_text("\n".join(cases))
    text = "cases: cases.jsonl\nchecks:\n  - length: {min: 1, unit: chars}\n"
    (tmp_path / "ifeval" / "suite.yaml").write_text(text)
    config = load_config(tmp_path, ModelFlags(responses=str(data / "responses.jsonl")), {})
    outcome, records = run_in(tmp_path, load_suite(tmp_path / "ifeval"), config)
    (told,) = read_info(outcome.folder)["responses"]
    assert (len(records), outcome.errors, told["unmatched"]["count"]) == (541, 0, 0)
