"""Training files: what is read from them, and what is said of bad ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from evalkit.dataset.rules import findings_of
from evalkit.local.chat_template import Message, ToolCall
from evalkit.local.jobs.training_file import (
    BadTrainingFile,
    Chat,
    Choice,
    Pair,
    count_examples,
    read_examples,
)

ASKED, ANSWER = {"role": "user", "content": "Light on"}, {"role": "assistant", "content": "Done."}
CHAT = {"messages": [ASKED, ANSWER]}
PAIR = {"prompt": "1 plus", "completion": " one"}
CHOICE = {
    "input": {"messages": [{"role": "system", "content": "Be kind."}, ASKED]},
    "preferred_output": [ANSWER],
    "non_preferred_output": [{"role": "assistant", "content": "No."}],
}
LIGHT = {
    "name": "set_light",
    "parameters": {"type": "object", "properties": {"on": {"type": "boolean"}}, "required": ["on"]},
}
CALL = {"name": "set_light", "arguments": '{"on": true}'}
WITH_TOOLS = {
    "messages": [
        ASKED,
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": CALL}],
        },
        {"role": "tool", "tool_call_id": "c1", "content": "ok"},
        ANSWER | {"weight": 0},
    ],
    "tools": [{"type": "function", "function": LIGHT}],
    "parallel_tool_calls": False,
}
WITH_FUNCTIONS = {
    "messages": [
        ASKED,
        {"role": "assistant", "content": None, "function_call": CALL},
        {"role": "function", "name": "set_light", "content": "ok"},
        ANSWER | {"weight": 0},
    ],
    "functions": [LIGHT],
}


def written(tmp_path: Path, lines: Sequence[Any]) -> Path:
    texts = (line if isinstance(line, str) else json.dumps(line) for line in lines)
    (tmp_path / "train.jsonl").write_text("\n".join(texts), encoding="utf-8")
    return tmp_path / "train.jsonl"


@pytest.mark.parametrize("line", [WITH_TOOLS, WITH_FUNCTIONS])
def test_calls_and_their_results_are_read(tmp_path: Path, line: Any) -> None:
    """tool_calls and tools, or function_call and functions as they were before: the same example."""
    (example,) = read_examples(written(tmp_path, [line]))
    assert isinstance(example, Chat)
    assert [tool.name for tool in example.tools] == ["set_light"]
    assert example.messages == (
        Message("user", "Light on"),
        Message("assistant", "", tool_calls=(ToolCall("set_light", '{"on": true}'),)),
        Message("tool", "ok"),
        Message("assistant", "Done.", weight=0.0),
    )


def test_of_a_choice_only_the_answers_are_learned(tmp_path: Path) -> None:
    """What was said before is read, and weighs nothing."""
    (example,) = read_examples(written(tmp_path, [CHOICE]))
    assert isinstance(example, Choice)
    assert [message.weight for message in example.messages] == [0, 0]
    assert (example.better.text, example.worse.text) == ("Done.", "No.")
    assert example.better.weight == example.worse.weight == 1


def test_pairs_are_read(tmp_path: Path) -> None:
    """Blank lines between them count for nothing."""
    path = written(tmp_path, [PAIR, "", "  ", PAIR])
    assert list(read_examples(path)) == [Pair("1 plus", " one")] * 2
    assert count_examples(path, "supervised", fewest=2) == 2


@pytest.mark.parametrize(
    ("param", "called"), [("training_file", "Training"), ("validation_file", "Validation")]
)
def test_too_few_examples_in_openais_words(tmp_path: Path, param: str, called: str) -> None:
    """The message is the one that OpenAI's API gives."""
    with pytest.raises(BadTrainingFile) as caught:
        count_examples(written(tmp_path, [CHAT] * 3), "supervised", param)
    assert (caught.value.code, caught.value.param) == ("invalid_n_examples", param)
    assert str(caught.value) == f"{called} file has 3 example(s), but must have at least 10 examples"


@pytest.mark.parametrize(
    "line",
    [
        "{",
        "[]",
        "[" * 100_000,
        {"text": "x"},
        {"messages": []},
        {"messages": ["x"]},
        {"messages": [ASKED]},
        {"messages": [ASKED, ANSWER | {"role": "boss"}]},
        {"messages": [ASKED, ANSWER | {"content": None}]},
        {"messages": [ASKED, ANSWER | {"weight": 0.5}]},
        {"messages": [ASKED, ANSWER | {"weight": 0}]},
        CHAT | {"tools": [{}]},
        PAIR | {"completion": 3},
        '{"messages": 1' + "0" * 5000 + "}",
    ],
)
def test_the_first_bad_line_is_told_as_dataset_check_tells_it(tmp_path: Path, line: Any) -> None:
    """Line 3 is at fault; the message has its number and the finding's own words."""
    path = written(tmp_path, [CHAT, CHAT, line, "{"])
    with pytest.raises(BadTrainingFile) as caught:
        count_examples(path, "supervised")
    assert caught.value.code == "invalid_training_file"
    raw = path.read_bytes().splitlines()[2]
    finding = next(finding for finding in findings_of(3, raw) if finding.severity == "error")
    assert caught.value.message.endswith(f"Line 3: {finding}")
    assert "due to an invalid training file" in caught.value.message


@pytest.mark.parametrize(
    ("lines", "what"),
    [
        ([CHAT, PAIR], "Line 2: mixed_formats"),
        ([CHOICE], "Line 1: a supervised job learns from messages"),
        ([{"messages": [ASKED | {"content": [{"type": "image_url"}]}, ANSWER]}], "Line 1: "),
        ([WITH_TOOLS | {"tools": [{"type": "function", "function": LIGHT}] * 2}], "Line 1: "),
    ],
)
def test_what_this_server_cannot_learn_is_told(tmp_path: Path, lines: list[Any], what: str) -> None:
    """Lines of two forms, pairs of answers in a supervised job, pictures, two tools of one name."""
    with pytest.raises(BadTrainingFile, match=what):
        count_examples(written(tmp_path, lines), "supervised")


def test_dpo_needs_pairs_of_answers(tmp_path: Path) -> None:
    """A chat has no worse answer to be told from the better one."""
    assert count_examples(written(tmp_path, [CHOICE] * 10), "dpo") == 10
    with pytest.raises(BadTrainingFile, match="preferred_output"):
        count_examples(written(tmp_path, [CHAT] * 10), "dpo")
