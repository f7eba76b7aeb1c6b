"""The answer calls the tools that are due, and none where text is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Literal

from jsonschema.protocols import Validator

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import shown
from evalkit.checks.patterns import PatternTimeout
from evalkit.checks.schemas import SchemaError, first_fault, validator_of
from evalkit.checks.strict_json import NotJson, parse, same


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The answer makes the tool calls of the case's answer; where that is text, it makes none.

    Every call must be of a tool that was offered, and its arguments strict JSON that is valid against the
    tool's schema. `same` also wants as many calls as the case's answer makes, each with the same name and
    equal arguments, in any order; the score is the share that is right. `valid` compares nothing: any valid
    call will do where one is due, which makes it a property check (write `kind: property` beside it).

    Attributes:
        want: `same` or `valid`.
        ignore: arguments that are not compared, such as free text.
    """

    default_kind: ClassVar[CheckKind] = "correctness"

    want: Literal["same", "valid"] = "same"
    ignore: tuple[str, ...] = ()

    def check(self, seen: Seen) -> Verdict:
        """Read the calls, hold them against the tools, then against the case's."""
        if fault := self.fault(seen):
            return unsure(fault)
        try:
            made = [_read(call) for call in seen.tool_calls]
            for call in made:
                _check_offered(call, seen.tools)
        except BadCall as error:
            return verdict(False, list(seen.tool_calls), str(error))
        except PatternTimeout as stopped:
            return unsure(str(stopped), list(seen.tool_calls))
        due = [_read(call) for call in seen.reference_calls]
        return self._compared(due, made) if made and due else _one_sided(due, made, seen)

    def fault(self, seen: Seen) -> str | None:
        """The case's answer must be there, as text or as valid calls: it says whether a call is due."""
        if seen.reference is None and not seen.reference_calls:
            return (
                "tool_call compares with the case's answer, and the case has none: write the call or the text"
            )
        try:
            for call in map(_read, seen.reference_calls):
                if seen.tools:
                    _check_offered(call, seen.tools)
        except BadCall as error:
            return f"the case's own answer is no valid call: {error}"
        return None

    def _compared(self, due: Sequence[Call], made: Sequence[Call]) -> Verdict:
        value = [str(call) for call in made]
        if self.want == "valid":
            return verdict(True, value, "")
        missing, extra = list(due), []
        for call in made:
            twin = next((other for other in missing if self._equal(other, call)), None)
            if twin is None:
                extra.append(call)
            else:
                missing.remove(twin)
        right = (len(due) - len(missing)) / max(len(due), len(made))
        return Verdict(not missing and not extra, right, value, _difference(missing, extra))

    def _equal(self, due: Call, made: Call) -> bool:
        return due.name == made.name and same(self._kept(due.arguments), self._kept(made.arguments))

    def _kept(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in arguments.items() if name not in self.ignore}


class BadCall(ValueError):
    """A call that cannot be carried out; the message says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a function, its arguments parsed."""

    name: str
    arguments: Mapping[str, Any]

    def __str__(self) -> str:
        """As people write it: `set_light(room="hall", on=true)`."""
        return f"{self.name}({', '.join(f'{name}={shown(value)}' for name, value in self.arguments.items())})"


def _read(call: Mapping[str, Any]) -> Call:
    function = call.get("function")
    name = function.get("name") if isinstance(function, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(name, str):
        raise BadCall(f"the call names no function: {shown(call)}")
    given = function.get("arguments")
    try:
        arguments = parse(given) if isinstance(given, str) else given
    except NotJson as error:
        raise BadCall(f"the arguments of {name} are no JSON: {error}") from error
    if not isinstance(arguments, Mapping):
        raise BadCall(f"the arguments of {name} are no JSON object: {shown(given)}")
    return Call(name, arguments)


def _check_offered(call: Call, tools: Sequence[Mapping[str, Any]]) -> None:
    """See that a tool of this name was offered, and takes these arguments.

    Raises:
        BadCall: it was not, or does not.
        PatternTimeout: the schema's patterns took too long.
    """
    functions = {tool["function"]["name"]: tool["function"] for tool in tools if _is_function(tool)}
    if call.name not in functions:
        raise BadCall(f"calls {call.name}, which is none of the tools {', '.join(functions) or '(none)'}")
    try:
        validator = _validator(json.dumps(functions[call.name].get("parameters", True)))
        fault = first_fault(validator, dict(call.arguments))
    except (SchemaError, RecursionError) as error:
        raise BadCall(f"the schema of {call.name} cannot be used: {error}") from error
    if fault:
        raise BadCall(f"{call.name}: {fault}")


def _is_function(tool: Mapping[str, Any]) -> bool:
    function = tool.get("function")
    return isinstance(function, Mapping) and isinstance(function.get("name"), str)


@lru_cache(maxsize=256)  # one tool stands in hundreds of cases
def _validator(schema: str) -> Validator:
    return validator_of(json.loads(schema))


def _one_sided(due: Sequence[Call], made: Sequence[Call], seen: Seen) -> Verdict:
    """The verdict where a call is due and none was made, or text is due."""
    if due:
        got = "nothing" if not seen.text else shown(seen.text)
        return verdict(False, seen.text, f"want {_listed(due)} got {got}")
    if made:
        return verdict(False, [str(call) for call in made], f"want text got {_listed(made)}")
    text = answer(seen)
    return text if isinstance(text, Verdict) else verdict(True, text, "")


def _difference(missing: Sequence[Call], extra: Sequence[Call]) -> str:
    if missing and extra:
        return f"want {_listed(missing)} got {_listed(extra)}"
    return f"want {_listed(missing)} too" if missing else f"{_listed(extra)} is too much" if extra else ""


def _listed(calls: Sequence[Call]) -> str:
    return " and ".join(map(str, calls))
