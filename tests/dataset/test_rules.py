"""The rules for one line: every one of them fires, none without cause, and nothing makes them fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dataset.finding import ERRORS, WARNINGS
from evalkit.dataset.lines import MAX_LINE_BYTES
from evalkit.dataset.rules import findings_of

USER = {"role": "user", "content": "Lights on in the hall"}
ANSWER = {"role": "assistant", "content": "Done."}
CALL: dict[str, Any] = {
    "id": "c1",
    "type": "function",
    "function": {"name": "dim", "arguments": '{"room": "hall"}'},
}
TOOL = {"type": "function", "function": {"name": "dim", "parameters": {"type": "object"}}}
CALLING = {"role": "assistant", "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": ""}


def chat(*messages: Any, **more: Any) -> dict[str, Any]:
    """An example of these messages."""
    return {"messages": list(messages), **more}


def calling(arguments: Any) -> dict[str, Any]:
    """An assistant message that calls with these arguments."""
    return {
        "role": "assistant",
        "tool_calls": [{**CALL, "function": {"name": "dim", "arguments": arguments}}],
    }


def with_parameters(maximum: float) -> dict[str, Any]:
    """A declaration with a schema."""
    return {"type": "function", "function": {"name": "dim", "parameters": {"maximum": maximum}}}


def preference(preferred: Any, other: Any, **asked: Any) -> dict[str, Any]:
    """A preference pair."""
    return {
        "input": {"messages": [USER], **asked},
        "preferred_output": preferred,
        "non_preferred_output": other,
    }


def rules(line: Any) -> list[str]:
    """The rules that a line breaks; a value is written as JSON first."""
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    return [finding.rule for finding in findings_of(7, raw)]


@pytest.mark.parametrize(
    "line",
    [
        chat(USER, ANSWER),
        chat({"role": "system", "content": "Be brief."}, USER, {**ANSWER, "weight": 0}, USER, ANSWER),
        chat({**USER, "name": "Ann"}, ANSWER),
        chat(USER, CALLING, tools=[TOOL], parallel_tool_calls=False),
        chat(USER, {**CALLING, "content": None}, RESULT, ANSWER, tools=[TOOL]),
        chat(USER, {**CALLING, "content": ""}, RESULT, ANSWER, tools=[TOOL]),
        chat({"role": "user", "content": [{"type": "text", "text": "Look"}]}, ANSWER),
        chat({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}, ANSWER),
        chat(USER, {"role": "assistant", "refusal": "No."}),
        preference([ANSWER], [{"role": "assistant", "content": "No."}]),
        preference([CALLING], [ANSWER], tools=[TOOL]),
        {"prompt": "", "completion": " yes"},
        b'  {"prompt": "\\ud83d\\ude00", "completion": "x"}\t',
    ],
    ids=str,
)  # fmt: skip
def test_a_good_line_has_no_finding(line: Any) -> None:
    """Whatever today's format allows, the script of 2023 or not."""
    assert rules(line) == []


BROKEN: list[tuple[str, Any]] = [
    ("data_type", [1, 2]),
    ("data_type", None),
    ("missing_messages_list", {}),
    ("missing_messages_list", {"ask": "Who?", "answer": "Me."}),
    ("missing_messages_list", {"messages": []}),
    ("missing_messages_list", {"messages": "Hi"}),
    ("message_missing_key", chat({"content": "Hi"}, ANSWER)),
    ("message_missing_key", chat({"role": "user"}, ANSWER)),
    ("message_missing_key", chat(USER, {"role": "function", "content": "3"}, ANSWER)),
    ("message_unrecognized_key", chat({**USER, "colour": "red"}, ANSWER)),
    ("unrecognized_role", chat({"role": "bot", "content": "Hi"}, ANSWER)),
    ("unrecognized_role", chat({"role": ["user"], "content": "Hi"}, ANSWER)),
    ("missing_content", chat(USER, {"role": "assistant", "content": ""})),
    ("missing_content", chat({"role": "user", "content": None}, ANSWER)),
    ("missing_content", chat({"role": "user", "content": 3}, ANSWER)),
    ("missing_content", chat({"role": "user", "content": []}, ANSWER)),
    ("example_missing_assistant_message", chat(USER)),
    ("invalid_json", json.dumps(chat(USER, CALLING, tools=[with_parameters(float("nan"))])).encode()),
    ("invalid_json", b"{'messages': []}"),
    ("invalid_json", b'{"messages": [\x00]}'),
    ("invalid_utf8", b'{"messages": "\xff"}'),
    ("byte_order_mark", b"\xef\xbb\xbf" + json.dumps(chat(USER, ANSWER)).encode()),
    ("line_too_long", b" " * (MAX_LINE_BYTES + 1) + b"{"),
    ("nested_too_deeply", b"[" * 100_000),
    ("nested_too_deeply", b'{"a":' * 100_000),
    ("number_too_long", b'{"messages": ' + b"9" * 5000 + b"}"),
    ("duplicate_key", b'{"prompt": "a", "prompt": "b", "completion": "c"}'),
    ("special_token", chat(USER, {"role": "assistant", "content": "Bye<|endoftext|>"})),
    ("special_token", b'{"prompt": "\\u003c|im_end|\\u003e", "completion": "x"}'),
    ("lone_surrogate", b'{"prompt": "\\ud83d", "completion": "x"}'),
    ("invalid_message", chat("Hi", ANSWER)),
    ("invalid_content", chat({"role": "user", "content": ["Hi"]}, ANSWER)),
    ("invalid_content", chat({"role": "user", "content": [{"type": "text"}]}, ANSWER)),
    ("invalid_content", chat({"role": "user", "content": [{"type": ["text"]}]}, ANSWER)),
    ("invalid_weight", chat(USER, {**ANSWER, "weight": 0.5})),
    ("invalid_weight", chat(USER, {**ANSWER, "weight": True})),
    ("nothing_to_learn", chat(USER, {**ANSWER, "weight": 0})),
    ("invalid_name", chat({**USER, "name": "Ann Lee"}, ANSWER)),
    ("invalid_tools", chat(USER, ANSWER, tools={})),
    ("invalid_tools", chat(USER, ANSWER, tools=[{"name": "dim"}])),
    ("invalid_tools", chat(USER, ANSWER, tools=[{"type": "function", "function": {"name": "dim it"}}])),
    ("invalid_tools", chat(USER, ANSWER, parallel_tool_calls="no")),
    ("invalid_tool_call", chat(USER, {**ANSWER, "tool_calls": []})),
    ("invalid_tool_call", chat({**USER, "tool_calls": [CALL]}, RESULT, ANSWER, tools=[TOOL])),
    ("invalid_tool_call", chat(USER, {"role": "assistant", "tool_calls": [{**CALL, "id": 1}]})),
    (
        "invalid_tool_call",
        chat(USER, calling(arguments={"room": "hall"})),
    ),
    ("missing_tool_call_id", chat(USER, {"role": "tool", "content": "3"}, ANSWER)),
    ("unknown_tool_call_id", chat(USER, RESULT, ANSWER)),
    ("invalid_preference", {"preferred_output": [ANSWER], "non_preferred_output": [CALLING]}),
    ("invalid_preference", preference([USER], [ANSWER])),
    ("invalid_preference", preference("Done.", [ANSWER])),
    ("invalid_pair", {"prompt": "Hi"}),
    ("invalid_pair", {"prompt": 1, "completion": "x"}),
    ("blank_line", b" \t"),
    ("unrecognized_key", chat(USER, ANSWER, id="c1")),
    ("nul_character", b'{"prompt": "\\u0000", "completion": "x"}'),
    ("developer_role", chat({"role": "developer", "content": "Be brief."}, USER, ANSWER)),
    ("unclosed_turn", chat(USER, ANSWER, USER)),
    ("empty_answer", chat(USER, {"role": "assistant", "content": " \n"})),
    ("empty_answer", {"prompt": "Hi", "completion": " "}),
    ("weight_without_effect", chat({**USER, "weight": 1}, ANSWER)),
    ("deprecated_functions", chat(USER, ANSWER, functions=[{"name": "dim"}])),
    ("deprecated_functions", chat(USER, {"role": "assistant", "function_call": CALL["function"]})),
    ("undeclared_tool", chat(USER, CALLING, tools=[])),
    (
        "invalid_arguments",
        chat(USER, calling(arguments="{")),
    ),
    ("unanswered_tool_call", chat(USER, CALLING, USER, ANSWER)),
    ("no_preference", preference([ANSWER], [ANSWER])),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "line"), BROKEN, ids=[f"{rule}-{i}" for i, (rule, _) in enumerate(BROKEN)])
def test_a_broken_line_has_its_one_finding(rule: str, line: Any) -> None:
    """One fault is one finding, on its line, with what was found and what to write instead."""
    assert rules(line) == [rule]
    raw = line if isinstance(line, bytes) else json.dumps(line).encode()
    (finding,) = findings_of(7, raw)
    assert finding.line == 7
    assert finding.severity == ("error" if rule in ERRORS else "warning")
    assert finding.message
    assert finding.remedy


def test_every_rule_of_a_line_is_tried_here() -> None:
    """Only what takes a whole file, or a model, is tried elsewhere."""
    of_files = {
        "no_examples",
        "mixed_formats",
        "duplicate_example",
        "too_few_examples",
        "too_many_tokens",
        "file_too_large",
    }
    assert {rule for rule, _ in BROKEN} == (ERRORS | WARNINGS).keys() - of_files


def test_the_field_is_named() -> None:
    """In a long conversation, which message; in a call, which argument."""
    broken = {**CALL, "function": {"name": "dim", "arguments": {}}}
    (finding,) = findings_of(1, json.dumps(chat(USER, {**CALLING, "tool_calls": [CALL, broken]})).encode())
    assert finding.message == "messages[1].tool_calls[1].function.arguments: found {}"


@pytest.mark.parametrize(
    ("raw", "column", "remedy"),
    [
        (b'{"messages": [1, 2,]}', 20, "remove the comma before the closing bracket"),
        (b'{"content": "say "hi" to him"}', 19, 'write a quotation mark inside a text as \\"'),
        (b'{"messages": []} {"messages": []}', 18, "write one example on each line"),
        (b'{"messages": [', 15, "write the whole example on one line"),
        ('{"é": "é", }'.encode(), 12, "remove the comma before the closing bracket"),
        ('{"é": "é'.encode() + b"\xff", 9, "save the file as UTF-8"),
        ('{"a": 1}'.encode("utf-16"), 1, "save it as UTF-8"),
        (b'{"prompt": "NaN \\" NaN", "completion": "", "id": NaN}', 50, "write a number or null"),
        (b'{"a": 12, "b": ' + b"1" * 4301 + b"}", 16, "write a shorter one, or a text"),
    ],
)
def test_broken_json_is_found_to_the_character(raw: bytes, column: int, remedy: str) -> None:
    """Columns count characters, from 1; the remedy fits what is usually meant."""
    finding = findings_of(1, raw)[0]
    assert (finding.column, finding.remedy) == (column, remedy)


keys = st.text(max_size=4) | st.sampled_from(
    [
        "messages",
        "role",
        "content",
        "tools",
        "functions",
        "tool_calls",
        "tool_call_id",
        "function",
        "function_call",
        "name",
        "arguments",
        "weight",
        "type",
        "text",
        "id",
        "input",
        "preferred_output",
        "prompt",
        "completion",
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=14,
)


@given(value=values, wrap=st.sampled_from(["messages", "tools", "input", "preferred_output", None]))
def test_no_value_makes_the_rules_fail(value: Any, wrap: str | None) -> None:
    """Any JSON value in any place gives findings, or is an example."""
    lines = (value, {wrap: value}, {"messages": [value, ANSWER]}, chat(USER, ANSWER, tools=[value]))
    for line in lines:
        for finding in findings_of(1, json.dumps(line).encode()):
            assert finding.rule in ERRORS | WARNINGS
            assert finding.message.isprintable() or "\n" not in finding.remedy


@given(st.binary(max_size=40))
def test_no_bytes_make_the_rules_fail(raw: bytes) -> None:
    """Noise is not an example."""
    assert findings_of(1, raw)
