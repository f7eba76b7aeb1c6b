"""What may be written: the keys of suite.yaml and of a line of cases; and the JSON Schema made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from evalkit.checks import CHECKS
from evalkit.checks.base import Check, CheckKind
from evalkit.checks.fields import Bounds, object_schema
from evalkit.suite.model import GateRule, Prompt

CheckEntry = str | Mapping[str, Any]
"""`equals`, or `{length: {max: 80}, name: short}`: one check with its argument, and what AroundCheck has."""


@dataclass(frozen=True, slots=True)
class AroundCheck:
    """What may stand beside a check."""

    name: str | None = None
    kind: CheckKind | None = None
    weight: Annotated[float, Bounds(0)] = 1.0


@dataclass(frozen=True, slots=True)
class MessageKeys:
    """One message of OpenAI's chat format; `weight` counts in training alone."""

    role: str
    content: str | tuple[Mapping[str, Any], ...] | None = None
    name: str | None = None
    tool_calls: tuple[Mapping[str, Any], ...] | None = None
    tool_call_id: str | None = None
    function_call: Mapping[str, Any] | None = None
    refusal: str | None = None
    weight: Annotated[int, Bounds(0, 1)] | None = None


@dataclass(frozen=True, slots=True)
class CaseKeys:
    """One line of cases.jsonl or train.jsonl, or one item of `cases:`, in one of three forms.

    Chat: `messages`, with `tools`, `parallel_tool_calls`, `functions`. Short: `ask`, `answer`. Legacy:
        `prompt`, `completion`.
    """

    id: str | None = None
    ask: str | None = None
    answer: str | None = None
    messages: tuple[Mapping[str, Any], ...] | None = None
    tools: tuple[Mapping[str, Any], ...] | None = None
    parallel_tool_calls: bool | None = None
    functions: tuple[Mapping[str, Any], ...] | None = None
    prompt: str | None = None
    completion: str | None = None
    tags: tuple[str, ...] = ()
    group: str | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    checks: tuple[CheckEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class SuiteKeys:
    """The keys of suite.yaml."""

    cases: str | tuple[Mapping[str, Any], ...]
    description: str = ""
    prompt: str | Prompt | None = None
    short_prompt: str | Prompt | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    train: str | None = None
    checks: tuple[CheckEntry, ...] = ()
    gate: GateRule = field(default_factory=GateRule)


def schema() -> dict[str, Any]:
    """The JSON Schema (Draft 2020-12) of suite.yaml, for editors to complete and check it."""
    suite, case = object_schema(SuiteKeys), object_schema(CaseKeys)
    entries = {"type": "array", "items": {"$ref": "#/$defs/check"}}
    case["properties"]["checks"] = suite["properties"]["checks"] = entries
    case["properties"]["messages"] = {"type": "array", "items": object_schema(MessageKeys)}
    suite["properties"]["cases"] = {
        "anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#/$defs/case"}}]
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "suite.yaml of evalkit",
        **suite,
        "$defs": {"case": case, "check": _entry_schema()},
    }


def _entry_schema() -> dict[str, Any]:
    one = [_one_check(name, check) for name, check in CHECKS.items()]
    return {"anyOf": [{"enum": list(CHECKS)}, *one]}


def _one_check(name: str, check: type[Check]) -> dict[str, Any]:
    """One check's entry: its first argument alone, or a mapping in which `file` may stand for the first."""
    arguments = object_schema(check)
    first, *_ = arguments["properties"]
    required = [key for key in arguments.pop("required", []) if key != first]
    alone = arguments["properties"][first]
    arguments["properties"]["file"] = {"type": "string"}
    entry = object_schema(AroundCheck)
    entry["properties"][name] = {"anyOf": [alone, arguments, {"type": "null"}]}
    entry["required"] = [name, *required]
    return entry | {"description": f"{check.__doc__}".splitlines()[0]}
