"""OpenAI's JSON for tools and calls -> `Tool` and `ToolCall`, in requests and in training files alike.

Everything here reads `Fields` and raises `ApiError`, whose message and `param` name the place, e.g.
`messages[2].tool_calls[0].function.name`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from evalkit.local.chat_template import Tool, ToolCall
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, shown
from evalkit.local.schema import BadSchema, check_schema, check_strict

MOST_TOOLS = 128  # OpenAI's limit
LONGEST_NAME = 64
FUNCTION = ("name", "description", "parameters", "strict")
NAME = re.compile(r"[a-zA-Z0-9_-]+")


def read_tools(holder: Fields) -> tuple[Tool, ...]:
    """Read `tools`, or the older `functions`, of a request or a training example; () where there is neither.

    Raises:
        ApiError: not a list of 1 to 128 functions with names of their own and parameters of type object.
    """
    tools = tuple(_read_tool(item) for item in _items(holder, "tools"))
    functions = tuple(read_function(item) for item in _items(holder, "functions"))
    if tools and functions:
        raise ApiError("'tools' and 'functions' cannot be set at the same time.", param="functions")
    name, found = ("tools", tools) if tools else ("functions", functions)
    check_distinct(found, holder.place(name))
    return found


def read_flat_tools(holder: Fields) -> tuple[Tool, ...]:
    """Read `tools` of the Responses API, where a function's name stands beside its type; [] is none.

    Raises:
        ApiError: as above.
    """
    tools = [] if holder.get("tools") == [] else _items(holder, "tools")
    for tool in tools:
        tool.choice("type", ("function",))
        tool.only("type", *FUNCTION)
    read = tuple(read_function(tool) for tool in tools)
    check_distinct(read, holder.place("tools"))
    return read


def check_distinct(tools: Iterable[Tool], param: str) -> None:
    """Refuse two tools of one name: a call could not tell which is meant.

    Raises:
        ApiError: names the second of them.
    """
    seen: set[str] = set()
    for at, tool in enumerate(tools):
        if tool.name in seen:
            raise ApiError(
                f"Invalid '{param}[{at}]': there is a function named '{tool.name}' already.",
                param=param,
                code="invalid_value",
            )
        seen.add(tool.name)


def read_function(function: Fields) -> Tool:
    """Read one function: `name`, `description`, `parameters` and `strict`, whatever else there is.

    Raises:
        ApiError: no name, or parameters that are no schema of type object, or not strict where they must be.
    """
    name = read_name(function)
    parameters = function.object("parameters")
    tool = Tool(
        name=name,
        description=function.text("description", ""),
        parameters=dict(function.get("parameters")) if parameters else {},
        strict=function.boolean("strict"),
    )
    if parameters:
        _check_parameters(tool, function.place("parameters"))
    return tool


def read_name(holder: Fields) -> str:
    """Read the `name` of a function.

    Raises:
        ApiError: it is missing, too long, or has other characters than letters, digits, `_` and `-`.
    """
    holder.required("name")
    name = holder.text("name", "", longest=LONGEST_NAME)
    if not NAME.fullmatch(name):
        raise ApiError(
            f"Invalid '{holder.place('name')}': string does not match pattern. Expected a string that "
            f"matches the pattern '^[a-zA-Z0-9_-]+$', but got {shown(name)}.",
            param=holder.place("name"),
            code="invalid_value",
        )
    return name


def read_calls(message: Fields) -> tuple[ToolCall, ...]:
    """Read `tool_calls`, or the older `function_call`, of an assistant's message; () where there is neither.

    Raises:
        ApiError: a call has no name, or arguments that are not a text.
    """
    calls = [_required_object(call, "function") for call in _items(message, "tool_calls")]
    older = message.object("function_call")
    return tuple(_read_call(call) for call in [*calls, *([older] if older else [])])


def read_call_ids(message: Fields) -> tuple[str, ...]:
    """Read the ids of `tool_calls`, which messages of role tool must answer.

    Raises:
        ApiError: a call has none.
    """
    return tuple(required_text(call, "id") for call in _items(message, "tool_calls"))


def _read_tool(item: Fields) -> Tool:
    item.only("type", "function")
    item.choice("type", ("function",))
    function = _required_object(item, "function")
    function.only(*FUNCTION)
    return read_function(function)


def _read_call(function: Fields) -> ToolCall:
    return ToolCall(read_name(function), required_text(function, "arguments"))


def _items(holder: Fields, name: str) -> list[Fields]:
    return [] if holder.get(name) is None else list(holder.objects(name, most=MOST_TOOLS))


def _required_object(holder: Fields, name: str) -> Fields:
    holder.required(name)
    return holder.object(name) or Fields({}, holder.place(name))


def required_text(holder: Fields, name: str) -> str:
    """Read a text that must be there, and may be empty.

    Raises:
        ApiError: it is missing, or no text.
    """
    holder.required(name)
    return holder.text(name, "")


def _check_parameters(tool: Tool, param: str) -> None:
    try:
        _check_object(tool.parameters)
        check_schema(tool.parameters)
        if tool.strict:
            check_strict(tool.parameters)
    except BadSchema as fault:
        raise ApiError(
            f"Invalid schema for function '{tool.name}': {fault}",
            param=param,
            code="invalid_function_parameters",
        ) from None


def _check_object(parameters: Any) -> None:
    kind = parameters.get("type", "None")
    if kind != "object":
        raise BadSchema(f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{shown(kind)}\"'.")
