"""The checks: one small file each, and the table of them.

To add a check, write a frozen dataclass (see `Check`) in a file of its own and add a row to `_ROWS`.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, get_type_hints

from evalkit.checks.base import Check, FileText, Grade, Judge, Seen, Verdict
from evalkit.checks.fields import FieldError, FieldPath, fill, named, shown, unknown

__all__ = [
    "CHECKS",
    "Check",
    "CheckArgumentError",
    "FileText",
    "Grade",
    "Judge",
    "Seen",
    "Verdict",
    "build",
    "help_text",
]

_ROWS = {
    "contains": "evalkit.checks.contains:Contains",
    "equals": "evalkit.checks.equals:Equals",
    "json_fields": "evalkit.checks.json_fields:JsonFields",
    "json_schema": "evalkit.checks.json_schema:JsonSchema",
    "language": "evalkit.checks.language:Language",
    "length": "evalkit.checks.length:Length",
    "regex": "evalkit.checks.pattern:Regex",
    "rubric": "evalkit.checks.rubric:Rubric",
    "tool_call": "evalkit.checks.tool_call:ToolCall",
}

# what people who come from elsewhere write -> what to write here
_ELSEWHERE = {
    "is-json": "json_schema: {}",
    "is-valid-json": "json_schema: {}",
    "contains-json": "json_schema: {fences: allow}",
    "json": "json_schema: {}",
    "icontains": "contains: {text: ..., ignore_case: true}",
    "contains-all": "contains: [..., ...]",
    "contains-any": "contains: {text: [..., ...], match: any}",
    "icontains-all": "contains: {text: [..., ...], ignore_case: true}",
    "icontains-any": "contains: {text: [..., ...], match: any, ignore_case: true}",
    "starts-with": 'regex: "^..."',
    "is-valid-openai-tools-call": "tool_call: valid",
    "is-valid-function-call": "tool_call: valid",
    "is-valid-openai-function-call": "tool_call: valid",
    "word-count": "length: {max: ..., unit: words}",
    "llm-rubric": "rubric: ...",
    "g-eval": "rubric: ...",
    "model-graded-closedqa": "rubric: ...",
    "exact_match": "equals",
    "exact-match": "equals",
    "includes": "contains",
}


class _Table(Mapping[str, type[Check]]):
    """Name -> check, its module imported when it is asked for: some bring heavy packages."""

    def __getitem__(self, name: str) -> type[Check]:
        module, _, attribute = _ROWS[name].partition(":")
        check: type[Check] = getattr(import_module(module), attribute)
        return check

    def __contains__(self, name: object) -> bool:
        return name in _ROWS

    def __iter__(self) -> Iterator[str]:
        return iter(_ROWS)

    def __len__(self) -> int:
        return len(_ROWS)


CHECKS: Mapping[str, type[Check]] = _Table()


class CheckArgumentError(FieldError):
    """A check that does not exist, or an argument that it cannot use; `path` begins with the check's name."""


def build(name: str, argument: Any = None) -> Check:
    """Make a check of what a suite says about it.

    Args:
        name: a name in CHECKS.
        argument: None, a mapping of arguments, or the first argument alone. `file` in a mapping stands for
            the first.

    Raises:
        CheckArgumentError: the check is unknown, or the argument does not fit.
    """
    if name not in CHECKS:
        raise CheckArgumentError((), unknown_check(name))
    check = CHECKS[name]
    try:
        return fill(check, _arguments(check, argument))
    except FieldError as error:
        raise CheckArgumentError(_shortened((name, *error.path), check, argument), error.what) from error


def unknown_check(name: str) -> str:
    """Say that there is no such check, and what to write instead."""
    if meant := _ELSEWHERE.get(name):
        return f"unknown check {name}: write {meant}"
    return unknown(name, CHECKS, "check")


def help_text(name: str) -> str:
    """What a check does, its arguments with types and defaults, and its kind.

    Raises:
        CheckArgumentError: there is no such check.
    """
    if name not in CHECKS:
        raise CheckArgumentError((), unknown_check(name))
    check = CHECKS[name]
    arguments = "\n".join(f"  {line}" for line in _argument_lines(check))
    title = f"{name} ({check.default_kind})"
    return f"{title}\n\n{inspect.getdoc(check)}\n\nArguments; the first needs no name:\n{arguments}"


def _arguments(check: type[Check], argument: Any) -> Mapping[str, Any]:
    first = _fields(check)[0].name
    if argument is None:
        return {}
    if not isinstance(argument, Mapping):
        return {first: argument}
    if "file" not in argument:
        return argument
    if first in argument:
        raise FieldError(("file",), f"stands beside {first}, and means the same; write one of them")
    if not isinstance(argument["file"], FileText):
        raise FieldError(("file",), f"found {shown(argument['file'])}; write a file's name with its ending")
    return {first if key == "file" else key: value for key, value in argument.items()}


def _shortened(path: FieldPath, check: type[Check], argument: Any) -> FieldPath:
    """The path as it stands in the suite, where the first argument is not written by its name."""
    if argument is None or path[1:2] != (_fields(check)[0].name,):
        return path
    if not isinstance(argument, Mapping):
        return (path[0], *path[2:])
    return (path[0], "file", *path[2:]) if "file" in argument else path


def _argument_lines(check: type[Check]) -> Iterator[str]:
    hints = get_type_hints(check, include_extras=True)
    for field in _fields(check):
        default = "required" if field.default is dataclasses.MISSING else f"default {shown(field.default)}"
        yield f"{field.name}: {named(hints[field.name])} ({default})"


def _fields(check: type[Check]) -> list[dataclasses.Field[Any]]:
    return [field for field in dataclasses.fields(check) if field.init]  # type: ignore[arg-type]
