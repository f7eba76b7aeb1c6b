"""Tools in chats: what is refused, and what is called, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from openai import OpenAI

from tests.local.serving import Server

MODEL = "evalkit-tiny"
HELLO: list[Any] = [{"role": "user", "content": "hello"}]
PARAMETERS = {
    "type": "object",
    "properties": {"room": {"enum": ["hall", "kitchen"]}, "on": {"type": "boolean"}},
    "required": ["room", "on"],
    "additionalProperties": False,
}
LIGHT: Any = {"name": "set_light", "description": "Switch a light.", "parameters": PARAMETERS}
TOOLS: list[Any] = [
    {"type": "function", "function": LIGHT},
    {"type": "function", "function": {"name": "end_all"}},
]
LIGHT_ONLY: Any = {"type": "function", "function": {"name": "set_light"}}


def call(id: str, name: str = "set_light") -> dict[str, Any]:
    return {"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}


def asked(**more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": HELLO, "tools": TOOLS, "max_tokens": 400, **more}


@pytest.mark.parametrize("seed", range(3))
def test_a_required_call_is_well_formed(client: OpenAI, seed: int) -> None:
    """Whatever a random model would say: one call of a known tool, with arguments that are valid."""
    body = asked(tool_choice="required", parallel_tool_calls=False, seed=seed)
    choice = client.chat.completions.create(**body).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert choice.message.content is None
    assert choice.message.tool_calls is not None
    (made,) = choice.message.tool_calls
    assert made.type == "function"
    assert made.id.startswith("call_")
    schemas = {"set_light": PARAMETERS, "end_all": {"maxProperties": 0}}
    jsonschema.validate(json.loads(made.function.arguments), schemas[made.function.name])


@pytest.mark.parametrize(
    "choice",
    [
        LIGHT_ONLY,
        {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [LIGHT_ONLY]}},
    ],
)
def test_a_named_tool_is_called(client: OpenAI, choice: Any) -> None:
    """A choice among the tools leaves no other."""
    for seed in range(3):
        answer = client.chat.completions.create(**asked(tool_choice=choice, seed=seed)).choices[0]
        assert answer.message.tool_calls
        assert {made.function.name for made in answer.message.tool_calls if made.type == "function"} == {
            "set_light"
        }


def test_streamed_calls_are_those_of_the_whole_answer(client: OpenAI) -> None:
    """The client's own helper puts the pieces together: index, id, name, then the arguments."""
    body = asked(tool_choice="required", seed=4, max_tokens=120)
    whole = client.chat.completions.create(**body).choices[0]
    with client.chat.completions.stream(**body) as stream:
        chunks = [event.chunk for event in stream if event.type == "chunk"]
    choices = [choice for chunk in chunks for choice in chunk.choices]
    assert choices[0].delta.role == "assistant"
    assert choices[0].delta.content is None
    parts = [part for choice in choices for part in choice.delta.tool_calls or ()]
    assert whole.message.tool_calls
    for index, made in enumerate(whole.message.tool_calls):
        own = [part for part in parts if part.index == index]
        assert own[0].id is not None
        assert [part.id for part in own[1:]] == [None] * (len(own) - 1)
        assert made.type == "function"
        functions = [part.function for part in own if part.function]
        assert functions[0].name == made.function.name
        assert "".join(function.arguments or "" for function in functions) == made.function.arguments
    assert choices[-1].finish_reason == whole.finish_reason


def test_auto_is_text_or_calls(client: OpenAI) -> None:
    """Left to itself the random model talks; what it says has no call in it, and nothing is lost."""
    answer = client.chat.completions.create(**asked(seed=1, max_tokens=40)).choices[0]
    assert answer.message.content
    assert answer.message.tool_calls is None
    assert answer.finish_reason in ("stop", "length")


def test_none_calls_nothing(client: OpenAI) -> None:
    """With tool_choice none there is text."""
    body = asked(tool_choice="none", seed=1, max_tokens=20)
    answer = client.chat.completions.create(**body).choices[0]
    assert answer.message.tool_calls is None
    assert answer.message.content


def test_the_older_functions(client: OpenAI) -> None:
    """`functions` are answered by `function_call`, whole and streamed."""
    body: dict[str, Any] = {
        "model": MODEL,
        "messages": HELLO,
        "functions": [LIGHT],
        "function_call": {"name": "set_light"},
        "seed": 2,
        "max_tokens": 200,
    }
    answer = client.chat.completions.create(**body).choices[0]
    assert answer.finish_reason == "function_call"
    assert answer.message.tool_calls is None
    made = answer.message.function_call
    assert made is not None
    jsonschema.validate(json.loads(made.arguments), PARAMETERS)
    deltas = [chunk.choices[0].delta for chunk in client.chat.completions.create(**body, stream=True)]
    parts = [delta.function_call for delta in deltas if delta.function_call]
    assert parts[0].name == "set_light"
    assert "".join(part.arguments or "" for part in parts) == made.arguments


def test_a_conversation_with_calls(client: OpenAI) -> None:
    """Calls and what tools returned are read, in the newer way and in the older."""
    newer: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": None, "tool_calls": [call("a"), call("b", "end_all")]},
        {"role": "tool", "tool_call_id": "b", "content": "done"},
        {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "on"}]},
    ]
    answer = client.chat.completions.create(model=MODEL, messages=newer, max_tokens=1)
    assert answer.usage is not None
    alone = client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=1)
    assert alone.usage is not None
    assert answer.usage.prompt_tokens > alone.usage.prompt_tokens + 40
    older: list[Any] = [
        *HELLO,
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "done"},
    ]
    assert client.chat.completions.create(model=MODEL, messages=older, max_tokens=1).choices


def test_tools_and_a_form_together(client: OpenAI) -> None:
    """With both, the answer is a call or JSON of the form."""
    form = {
        "type": "json_schema",
        "json_schema": {"name": "f", "strict": True, "schema": PARAMETERS | {"required": ["room", "on"]}},
    }
    for seed in range(4):
        message = client.chat.completions.create(**asked(response_format=form, seed=seed)).choices[0].message
        if message.content:
            jsonschema.validate(json.loads(message.content), PARAMETERS)
        else:
            assert message.tool_calls


TOOL_TURN = {"role": "tool", "tool_call_id": "a", "content": "done"}
CALLED = {"role": "assistant", "tool_calls": [call("a"), call("b")]}


@pytest.mark.parametrize(
    ("change", "param", "message"),
    [
        ({"messages": [*HELLO, TOOL_TURN]}, "messages.[1].role", "must be a response to a preceeding"),
        ({"messages": [CALLED, TOOL_TURN]}, "messages.[1].role", "did not have response messages: b"),
        ({"messages": [CALLED, TOOL_TURN, *HELLO]}, "messages.[2].role", "did not have response messages: b"),
        ({"messages": [CALLED, TOOL_TURN | {"tool_call_id": "c"}]}, "messages.[1].tool_call_id", "'c' not"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].tool_call_id", "Missing required"),
        ({"messages": [{"role": "user", "content": "", "tool_calls": []}]}, None, "Unrecognized request"),
        ({"messages": [{"role": "assistant"}]}, "messages[0].content", "Missing required parameter"),
        (
            {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "function": {"name": "f"}}]}]},
            "messages[0].tool_calls[0].function.arguments",
            "Missing required parameter",
        ),
        ({"tools": []}, "tools", "empty array"),
        ({"tools": TOOLS * 65}, "tools", "maximum length 128"),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, "tools[0].function.name", "pattern"),
        ({"tools": None, "tool_choice": "auto"}, "tool_choice", "only allowed when 'tools' are specified"),
        ({"tool_choice": "always"}, "tool_choice", "'always'"),
        ({"tool_choice": {"type": "function", "function": {"name": "x"}}}, "tool_choice", "not found in"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function", "an object"),
        ({"tool_choice": 3}, "tool_choice", "an object"),
        ({"functions": [LIGHT]}, "functions", "at the same time"),
        ({"function_call": "auto"}, "function_call", "only allowed when 'functions' are specified"),
    ],
)  # fmt: skip
def test_refusals(server: Server, change: dict[str, Any], param: str | None, message: str) -> None:
    """Each fault is a 400 that names its place, in OpenAI's words."""
    error = server.refused(asked(**change))
    assert (error["type"], error["param"]) == ("invalid_request_error", param)
    assert message in error["message"]


def test_a_schema_that_cannot_be_held_names_its_tool(server: Server) -> None:
    """One bad schema among several is told by the name of its function."""
    bad = {"type": "object", "properties": {"a": {"type": "string", "pattern": "(?=x)"}}}
    tools = [*TOOLS, {"type": "function", "function": {"name": "worst", "parameters": bad}}]
    error = server.refused(asked(tools=tools))
    assert "Invalid schema for function 'worst'" in error["message"]
    assert error["code"] == "invalid_function_parameters"


def test_ten_thousand_tools(server: Server) -> None:
    """Are refused by their number, before anyone looks at them."""
    tools = [{"type": "function", "function": {"name": f"f{number}"}} for number in range(10_000)]
    assert server.refused(asked(tools=tools))["code"] == "array_above_max_length"
