"""The rules for tools: how they are declared, and how they are called."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.dataset.finding import Fault
from evalkit.dataset.shown import shown

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CALL = '{"id": "...", "type": "function", "function": {"name": "...", "arguments": "{...}"}}'
_DECLARATION = '{"type": "function", "function": {"name": "...", "parameters": {...}}}'


@dataclass(frozen=True, slots=True)
class Call:
    """A call in a message; `ids` holds its id, and is empty for a call by the deprecated function_call."""

    name: str
    ids: frozenset[str]


def declared(example: Mapping[str, Any]) -> frozenset[str] | None:
    """The names of the declared functions; None where neither tools nor functions are given as a list."""
    tools, functions = example.get("tools"), example.get("functions")
    if not isinstance(tools, list) and not isinstance(functions, list):
        return None
    found = [_function(tool) for tool in tools] if isinstance(tools, list) else []
    found += functions if isinstance(functions, list) else []
    return frozenset(
        str(function["name"]) for function in found if isinstance(function, dict) and "name" in function
    )


def _function(tool: Any) -> Any:
    return tool.get("function") if isinstance(tool, dict) else None


def declaration_faults(example: Mapping[str, Any], at: str) -> Iterator[Fault]:
    """What is wrong with tools, functions and parallel_tool_calls; `at` stands before their names."""
    for name in ("tools", "functions"):
        if example.get(name) is not None and not isinstance(example[name], list):
            yield Fault(
                "invalid_tools",
                f"{at}{name}: found {shown(example[name])}",
                f"write a list of {_DECLARATION}",
            )
    for i, tool in enumerate(_listed(example, "tools")):
        if not isinstance(tool, dict) or tool.get("type") != "function":
            yield Fault("invalid_tools", f"{at}tools[{i}]: found {shown(tool)}", f"write {_DECLARATION}")
        else:
            yield from _function_faults(tool.get("function"), f"{at}tools[{i}].function")
    for i, function in enumerate(_listed(example, "functions")):
        yield from _function_faults(function, f"{at}functions[{i}]")
    if "functions" in example:
        yield Fault("deprecated_functions", f"{at}functions: found a list", f"write tools: [{_DECLARATION}]")
    parallel = example.get("parallel_tool_calls")
    if parallel is not None and not isinstance(parallel, bool):
        yield Fault(
            "invalid_tools", f"{at}parallel_tool_calls: found {shown(parallel)}", "write true or false"
        )


def _listed(example: Mapping[str, Any], name: str) -> list[Any]:
    return example[name] if isinstance(example.get(name), list) else []


def _function_faults(function: Any, at: str) -> Iterator[Fault]:
    if not isinstance(function, dict):
        yield Fault(
            "invalid_tools", f"{at}: found {shown(function)}", 'write {"name": "...", "parameters": {...}}'
        )
        return
    name, parameters = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        yield Fault(
            "invalid_tools", f"{at}.name: found {shown(name)}", "write 1 to 64 letters, digits, _ and -"
        )
    if parameters is not None and not isinstance(parameters, dict):
        remedy = 'write a JSON Schema: {"type": "object", "properties": {...}}'
        yield Fault("invalid_tools", f"{at}.parameters: found {shown(parameters)}", remedy)
    if not isinstance(function.get("description", ""), str | None):
        yield Fault(
            "invalid_tools", f"{at}.description: found {shown(function['description'])}", "write a text"
        )


def calls_of(message: Mapping[str, Any]) -> Iterator[Call]:
    """The calls in a message, so far as they can be read."""
    for call in _listed(message, "tool_calls"):
        if isinstance(call, dict) and isinstance(call.get("function"), dict):
            ids = {call["id"]} if isinstance(call.get("id"), str) else set()
            yield Call(_name(call["function"]), frozenset(ids))
    if isinstance(message.get("function_call"), dict):
        yield Call(_name(message["function_call"]), frozenset())


def _name(function: Mapping[str, Any]) -> str:
    name = function.get("name")
    return name if isinstance(name, str) else ""


def call_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    """What is wrong with how a message calls tools."""
    calls = message.get("tool_calls")
    if "tool_calls" in message and (not isinstance(calls, list) or not calls):
        yield Fault(
            "invalid_tool_call", f"{at}.tool_calls: found {shown(calls)}", f"write [{_CALL}], or leave it out"
        )
    elif calls and message.get("role") != "assistant":
        yield Fault(
            "invalid_tool_call", f"{at}.tool_calls: only the assistant calls", "move it, or leave it out"
        )
    for i, call in enumerate(_listed(message, "tool_calls")):
        yield from _tool_call_faults(call, f"{at}.tool_calls[{i}]")
    if message.get("function_call") is not None:
        yield Fault(
            "deprecated_functions", f"{at}.function_call: found a call", f"write tool_calls: [{_CALL}]"
        )
        yield from _called_faults(message["function_call"], f"{at}.function_call")


def _tool_call_faults(call: Any, at: str) -> Iterator[Fault]:
    if not isinstance(call, dict) or call.get("type") != "function":
        yield Fault("invalid_tool_call", f"{at}: found {shown(call)}", f"write {_CALL}")
        return
    if not isinstance(call.get("id"), str) or not call["id"]:
        yield Fault(
            "invalid_tool_call", f"{at}.id: found {shown(call.get('id'))}", 'write a text such as "call_1"'
        )
    yield from _called_faults(call.get("function"), f"{at}.function")


def _called_faults(function: Any, at: str) -> Iterator[Fault]:
    if not isinstance(function, dict) or not _name(function):
        remedy = 'write {"name": "...", "arguments": "{...}"}'
        yield Fault("invalid_tool_call", f"{at}: found {shown(function)}", remedy)
        return
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        remedy = 'write the arguments as a text that holds JSON: "{\\"room\\": \\"hall\\"}"'
        yield Fault("invalid_tool_call", f"{at}.arguments: found {shown(arguments)}", remedy)
    elif not _is_object(arguments):
        yield Fault(
            "invalid_arguments", f"{at}.arguments: found {shown(arguments)}", 'write a JSON object: "{...}"'
        )


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
