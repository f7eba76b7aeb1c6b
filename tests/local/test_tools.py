"""OpenAI's JSON for tools and calls, read and refused."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.local.chat_template import Tool, ToolCall
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields
from evalkit.local.tools import read_call_ids, read_calls, read_tools

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}


def function(name: Any = "f", **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, **more}}


def test_tools_and_functions_are_the_same_thing() -> None:
    """The older `functions` are tools without their envelope; no parameters are an empty schema."""
    expected = (Tool("f", "Does.", OBJECT, strict=False), Tool("g", "", {}))
    older = [{"name": "f", "description": "Does.", "parameters": OBJECT}, {"name": "g"}]
    newer = [function("f", description="Does.", parameters=OBJECT), function("g")]
    assert read_tools(Fields({"tools": newer})) == read_tools(Fields({"functions": older})) == expected
    assert read_tools(Fields({})) == ()


def test_calls_keep_their_arguments_as_text() -> None:
    """Arguments are what a model wrote, JSON or not."""
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": '}}
    message = Fields({"tool_calls": [call]})
    assert read_calls(message) == (ToolCall("f", '{"a": '),)
    assert read_call_ids(message) == ("call_1",)
    assert read_calls(Fields({"function_call": {"name": "f", "arguments": "{}"}})) == (ToolCall("f", "{}"),)
    assert read_calls(Fields({"content": "none"})) == ()


@pytest.mark.parametrize(
    ("tools", "param", "code"),
    [
        ([], "tools", "empty_array"),
        ("f", "tools", "invalid_type"),
        ([function()] * 129, "tools", "array_above_max_length"),
        ([{"type": "custom"}], "tools[0].type", "invalid_value"),
        ([{"type": "function"}], "tools[0].function", "missing_required_parameter"),
        ([function(None)], "tools[0].function.name", "missing_required_parameter"),
        ([function("a b")], "tools[0].function.name", "invalid_value"),
        ([function("a" * 65)], "tools[0].function.name", "string_above_max_length"),
        ([function(), function()], "tools", "invalid_value"),
        ([function(parameters=[])], "tools[0].function.parameters", "invalid_type"),
        (
            [function(parameters={"type": "string"})],
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            [function(parameters={"type": "object", "properties": []})],
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
        (
            [function(parameters=OBJECT, strict=True)],
            "tools[0].function.parameters",
            "invalid_function_parameters",
        ),
    ],
)  # fmt: skip
def test_refused_tools(tools: Any, param: str, code: str) -> None:
    """Each fault names its place and has OpenAI's code."""
    with pytest.raises(ApiError) as refusal:
        read_tools(Fields({"tools": tools}))
    assert (refusal.value.param, refusal.value.code) == (param, code)
    assert len(refusal.value.message) < 400
