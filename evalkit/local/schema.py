"""JSON schemas that answers are held to: what may be asked for at all, and the rules of OpenAI's strict mode.

Source of the rules and of their wording: OpenAI's guide to structured outputs, and refusals of its live API.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

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
TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
NAMED_PARTS = ("properties", "$defs", "definitions", "patternProperties")  # objects of schemas
BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
LISTED_PARTS = ("anyOf", "allOf", "oneOf", "prefixItems")  # lists of schemas
SINGLE_PARTS = ("items", "additionalProperties", "not")  # schemas


class BadSchema(ValueError):
    """A schema that answers cannot be held to; says where and why, in OpenAI's words."""


def check_schema(schema: Mapping[str, Any]) -> None:
    """Check that this is a JSON schema of a size that can be worked with, as far as tools are shown by it.

    What else may be wrong with it shows when it is compiled.

    Raises:
        BadSchema: too large, nested too deeply, or no schema at all.
    """
    _check_depth(schema)
    length = len(json.dumps(schema, ensure_ascii=False))
    if length > LONGEST:
        raise BadSchema(f"the schema has {length} characters; at most {LONGEST} are supported.")
    for _ in _parts(schema, (), 1):  # each is checked as it is met
        pass


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
        _check_strictness(part)
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
    """Give a schema and all those within it, outermost first.

    Raises:
        BadSchema: one is none.
    """
    if isinstance(schema, bool):
        return
    if not isinstance(schema, Mapping):
        raise BadSchema(f"In context={path}, {_shown(schema)} is not of type 'object', 'boolean'.")
    part = _Part(schema, path, level)
    _check_form(part)
    yield part
    for name in NAMED_PARTS:
        for key, inner in schema.get(name, {}).items():
            yield from _parts(inner, (*path, name, key), level + (name == "properties"))
    for name in SINGLE_PARTS:
        if name in schema:
            yield from _parts(schema[name], (*path, name), level + (name == "items"))
    for name in LISTED_PARTS:
        for at, inner in enumerate(schema.get(name, ())):
            yield from _parts(inner, (*path, name, str(at)), level)


def _check_form(part: _Part) -> None:
    """Check the keywords that the parts of a schema hang on, and those that tools are shown by."""
    for name, (fits, expected) in _FORMS.items():
        if name in part.schema and not fits(part.schema[name]):
            raise part.fault(f"'{name}' must be {expected}, but is {_shown(part.schema[name])}")


def _is_type(value: Any) -> bool:
    return bool(value) and all(kind in TYPES for kind in ([value] if isinstance(value, str) else value))


def _is_number(value: Any) -> bool:
    """Whether llguidance takes the number for what it is."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 2**63


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(text, str) for text in value)


_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "type": (lambda value: isinstance(value, (str, list)) and _is_type(value), f"one or more of {TYPES}"),
    "enum": (lambda value: isinstance(value, list) and bool(value), "a list of values"),
    "required": (_are_texts, "a list of names"),
    **dict.fromkeys(BOUNDS, (_is_number, "a number of at most 63 bits")),
    **{name: (lambda value: isinstance(value, Mapping), "an object of schemas") for name in NAMED_PARTS},
    **{name: (lambda value: isinstance(value, list), "a list of schemas") for name in LISTED_PARTS},
}


def _check_strictness(part: _Part) -> None:
    schema = part.schema
    for key in NOT_STRICT:
        if key in schema:
            raise part.fault(f"'{key}' is not permitted")
    inner = (*part.properties.values(), schema.get("items"), *schema.get("anyOf", ()))
    if any(isinstance(one, bool) for one in inner):
        raise part.fault("each schema must be an object, not true or false")
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


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
