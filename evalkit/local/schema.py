"""JSON schemas that answers are held to: what may be asked for at all, and the rules of OpenAI's strict mode.

Source of the rules and of their wording: OpenAI's guide to structured outputs, and refusals of its live API.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

LONGEST = 200_000  # characters of a schema as JSON
DEEPEST = 64  # objects and lists inside each other
STRICT_LEVELS, STRICT_PROPERTIES, STRICT_ENUM, STRICT_CHARACTERS = 10, 5000, 1000, 120_000  # OpenAI's limits
NOT_STRICT = (
    *("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas", "uniqueItems"),
    *("patternProperties", "unevaluatedProperties", "propertyNames", "contains"),
)
NOT_OUTERMOST = ("oneOf", "anyOf", "allOf", "enum", "not")
OPT_OUT = "or use 'strict: false' to opt out of structured outputs."

Path = tuple[str, ...]
_VALIDATOR = jsonschema.Draft202012Validator(jsonschema.Draft202012Validator.META_SCHEMA)


class BadSchema(ValueError):
    """A schema that answers cannot be held to; says where and why, in OpenAI's words."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check that this is a JSON schema of a size that can be worked with.

    Raises:
        BadSchema: too large, nested too deeply, or no schema at all.
    """
    _check_depth(schema)
    text = json.dumps(schema, ensure_ascii=False)
    if len(text) > LONGEST:
        raise BadSchema(f"the schema has {len(text)} characters; at most {LONGEST} are supported.")
    _check_form(text)


@lru_cache(maxsize=256)  # the same tools come with every request of a program
def _check_form(text: str) -> None:
    fault = best_match(_VALIDATOR.iter_errors(json.loads(text)))
    if fault is not None:
        raise BadSchema(f"In context={tuple(map(str, fault.absolute_path))}, {_shortened(fault.message)}.")


def check_strict(schema: Mapping[str, Any]) -> None:
    """Check that a schema (see `check_schema`) is one that `strict: true` permits.

    Raises:
        BadSchema: names the first rule that is broken.
    """
    if schema.get("type") != "object" or any(key in schema for key in NOT_OUTERMOST):
        raise BadSchema(
            "schema must have type 'object' and not have "
            f"{'/'.join(repr(key) for key in NOT_OUTERMOST)} at the top level."
        )
    parts = list(_parts(schema, (), 1))
    for part in parts:
        _check_part(part)
    _check_limits(parts)


@dataclass(frozen=True, slots=True)
class _Part:
    """A schema within a schema. `level`: how many objects and arrays it lies in, itself included."""

    schema: Mapping[str, Any]
    path: Path
    level: int

    def fault(self, what: str) -> BadSchema:
        return BadSchema(f"In context={self.path}, {what}.")

    @property
    def properties(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.schema.get("properties") or {}
        return found


def _parts(schema: Any, path: Path, level: int) -> Iterator[_Part]:
    """Give a schema and all those within it, outermost first."""
    if not isinstance(schema, Mapping):
        raise BadSchema(f"In context={path}, schema must be an object.")
    yield _Part(schema, path, level)
    for name in ("properties", "$defs", "definitions"):
        for key, inner in (schema.get(name) or {}).items():
            yield from _parts(inner, (*path, name, key), level + (name == "properties"))
    if "items" in schema:
        yield from _parts(schema["items"], (*path, "items"), level + 1)
    for at, inner in enumerate(schema.get("anyOf") or ()):
        yield from _parts(inner, (*path, "anyOf", str(at)), level)


def _check_part(part: _Part) -> None:
    schema = part.schema
    for key in NOT_STRICT:
        if key in schema:
            raise part.fault(f"'{key}' is not permitted")
    if not any(key in schema for key in ("type", "$ref", "anyOf", "enum", "const")):
        raise part.fault("schema must have a 'type' key")
    kinds = schema.get("type")
    if "array" in _listed(kinds) and "items" not in schema:
        raise part.fault("array schema missing items")
    if "object" in _listed(kinds):
        _check_object(part)


def _check_object(part: _Part) -> None:
    if part.schema.get("additionalProperties") is not False:
        raise part.fault("'additionalProperties' is required to be supplied and to be false")
    required = part.schema.get("required")
    every = "'required' is required to be supplied and to be an array including every key in properties"
    for key in part.properties:
        if key not in (required or ()):
            raise part.fault(f"{every}. Missing '{key}'")
    for key in required or ():
        if key not in part.properties:
            raise part.fault(f"{every}. Extra required key '{key}' supplied")


def _check_limits(parts: list[_Part]) -> None:
    names = [name for part in parts for name in (*part.properties, *(part.schema.get("$defs") or ()))]
    values = [value for part in parts for value in part.schema.get("enum") or ()]
    characters = sum(map(len, names)) + sum(len(value) for value in values if isinstance(value, str))
    for found, most, what in (
        (sum(len(part.properties) for part in parts), STRICT_PROPERTIES, "object properties in total"),
        (len(values), STRICT_ENUM, "enum values in total"),
        (characters, STRICT_CHARACTERS, "characters of names and enum values in total"),
        (max(part.level for part in parts), STRICT_LEVELS, "levels of nesting"),
    ):
        if found > most:
            raise BadSchema(
                f"Expected at most {most} {what} within a single schema when using structured outputs, but "
                f"received {found}. Consider reducing the number, {OPT_OUT}"
            )


def _check_depth(schema: Any) -> None:
    """Refuse deep nesting, level by level: whoever recurses later is safe."""
    level, depth = [schema], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise BadSchema(f"the schema is nested more than {DEEPEST} levels deep.")
        level = [
            inner
            for node in level
            for inner in (node.values() if isinstance(node, Mapping) else node)
            if isinstance(inner, (Mapping, list))
        ]


def _listed(kinds: Any) -> tuple[str, ...]:
    return (kinds,) if isinstance(kinds, str) else tuple(kinds or ())


def _shortened(message: str) -> str:
    return message if len(message) <= 200 else f"{message[:197]}..."
