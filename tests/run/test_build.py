"""Examples out of records: what becomes a line, what is left out, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.dataset.rules import findings_of
from evalkit.endpoints.base import Response
from evalkit.run.build import build_failed, build_passed
from evalkit.run.codec import dump_line
from evalkit.run.records import Failure, Record, RecordedVerdict
from evalkit.suite import Suite, Variant, compose, load_suite

PROMPTED = Variant("prompted", "big", "openai", prompt="long")
TOOL = {"type": "function", "function": {"name": "dim", "parameters": {"type": "object"}}}
CALL = {"id": "1", "type": "function", "function": {"name": "dim", "arguments": "{}"}}
SUITE = f"""\
prompt: A very long prompt that tells all about capitals.
short_prompt: Capitals.
params: {{temperature: 0}}
cases:
  - {{id: norway, ask: Norway?, answer: Oslo, tags: [north]}}
  - {{id: own, messages: [{{role: system, content: Be kind.}}, {{role: user, content: Peru?}}]}}
  - id: dim
    messages: [{{role: user, content: Dim!}}, {{role: assistant, tool_calls: [{CALL}]}}]
    tools: [{TOOL}]
  - {{id: pair, prompt: "Where?", completion: " there"}}
checks: [{{regex: a}}]
"""


@pytest.fixture
def suite(tmp_path: Path) -> Suite:
    """A case of each kind."""
    (tmp_path / "suite.yaml").write_text(SUITE)
    return load_suite(tmp_path)


def record(suite: Suite, case: str, passed: bool | None, text: str | None = "Oslo", **changes: Any) -> Record:
    """What became of one case, asked as `prompted`."""
    request = compose(suite, next(found for found in suite.cases if found.id == case), PROMPTED)
    verdicts = (RecordedVerdict("regex", "property", passed, None, reason="found no a"),)
    made = Record(
        suite.name,
        case,
        "prompted",
        0,
        "openai",
        request,
        Response("big", text),
        verdicts,
        0.1,
        False,
        1,
        "now",
    )
    return replace(made, **changes)


def test_a_passing_answer_is_learned_without_the_long_prompt(suite: Suite) -> None:
    """Messages as ft will be asked, the answer last, and no key that OpenAI does not take."""
    (example,) = build_passed(suite, PROMPTED, [record(suite, "norway", True)]).examples
    assert example.line == {
        "messages": [
            {"role": "system", "content": "Capitals."},
            {"role": "user", "content": "Norway?"},
            {"role": "assistant", "content": "Oslo"},
        ]
    }


def test_without_a_short_prompt_the_case_s_own_system_message_stays(suite: Suite) -> None:
    """The rule by which ft is asked is the rule by which it learns."""
    bare = replace(suite, short_prompt=None)
    (example,) = build_passed(bare, PROMPTED, [record(bare, "own", True)]).examples
    assert example.line["messages"][0] == {"role": "system", "content": "Be kind."}


def test_calls_and_tools_and_legacy_pairs_are_kept(suite: Suite) -> None:
    """An answer that is a call is learned with the tools of its case; a pair stays a pair."""
    called = Response("big", None, tool_calls=(CALL,))
    records = [record(suite, "dim", True, response=called), record(suite, "pair", True, " here")]
    dim, pair = build_passed(suite, PROMPTED, records).examples
    assert dim.line["messages"][-1] == {"role": "assistant", "tool_calls": [CALL]}
    assert dim.line["tools"] == (TOOL,)
    assert dim.line.keys() == {"messages", "tools"}
    assert pair.line == {"prompt": "Capitals.\n\nWhere?", "completion": " here"}


def test_what_is_neither_passed_nor_failed_is_left_out_of_both(suite: Suite) -> None:
    """Errors and unread verdicts say nothing; each record that is left out is counted under its reason."""
    error = {"response": None, "verdicts": (), "error": Failure("timeout", "none")}
    records = [
        record(suite, "norway", None),
        record(suite, "own", True, **error),
        record(suite, "own", True),
        record(suite, "norway", False),
        record(suite, "norway", True, variant="base"),
        replace(record(suite, "norway", True), suite="another"),
    ]
    passing, failing = build_passed(suite, PROMPTED, records), build_failed(suite, PROMPTED, records)
    assert (passing.cases, failing.cases) == ({"own"}, {"norway"})
    assert passing.left_out == {"is undecided": 1, "was not answered": 1, "failed": 1}
    assert failing.left_out == {"is undecided": 1, "was not answered": 1, "passed": 1}


def test_each_different_answer_is_learned_once(suite: Suite) -> None:
    """Repeats with the same answer make one example, with another answer one more."""
    texts = ["Oslo", "Oslo", "Oslo!"]
    built = build_passed(suite, PROMPTED, [record(suite, "norway", True, text) for text in texts])
    assert [example.line["messages"][-1]["content"] for example in built.examples] == ["Oslo", "Oslo!"]
    assert built.left_out == {"repeats another one": 1}


def test_failed_cases_hold_the_reference_to_be_corrected(suite: Suite) -> None:
    """Once each, with what was due as the answer, or an empty one where nothing was written."""
    records = [record(suite, case, False, repeat=n) for case in ("norway", "own", "dim") for n in range(2)]
    built = build_failed(suite, PROMPTED, records)
    norway, own, dim = (example.line["messages"][-1] for example in built.examples)
    assert norway == {"role": "assistant", "content": "Oslo"}
    assert own == {"role": "assistant", "content": ""}
    assert dim["tool_calls"] == [CALL]
    assert built.examples[0].record is records[0]


def test_answers_to_what_has_changed_are_left_out(suite: Suite) -> None:
    """An answer to another question, or under another prompt, says nothing of the suite as it is now."""
    records = [record(suite, "norway", True), record(suite, "own", True)]
    changed = replace(
        suite, cases=(replace(suite.cases[0], messages=({"role": "user", "content": "Chad?"},)),)
    )
    assert build_passed(changed, PROMPTED, records).left_out == {
        "is of a case, or a prompt, that has changed since": 1,
        "is of a case that the suite no longer has": 1,
    }


def test_what_is_built_is_good_until_a_person_must_write(suite: Suite) -> None:
    """`dataset check` has nothing to say of answers that passed, and points to answers that are missing."""
    passing = build_passed(suite, PROMPTED, [record(suite, case, True) for case in ("norway", "own", "pair")])
    assert [findings_of(1, dump_line(example.line)) for example in passing.examples] == [()] * 3
    (example,) = build_failed(suite, PROMPTED, [record(suite, "own", False)]).examples
    assert findings_of(1, dump_line(example.line))
