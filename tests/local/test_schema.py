"""JSON schemas: what is one, and what OpenAI's strict mode permits."""

from __future__ import annotations

import time
from typing import Any

import pytest

from evalkit.local.schema import BadSchema, check_schema, check_strict


def strict(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
        **more,
    }


TEXT = {"type": "string"}


def test_strict_schemas() -> None:
    """Nested objects, arrays, anyOf, definitions and recursion are all permitted."""
    node = strict({"next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}})
    schema = strict(
        {"list": {"type": "array", "items": {"$ref": "#/$defs/node"}}, "kind": {"enum": ["a", 1]}},
        **{"$defs": {"node": node}},
    )
    check_schema(schema)
    check_strict(schema)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (TEXT, "schema must have type 'object'"),
        ({"anyOf": [strict({})]}, "at the top level"),
        ({**strict({"a": TEXT}), "required": []}, r"In context=\(\), 'required' is required .* Missing 'a'"),
        ({**strict({}), "required": ["a"]}, "Extra required key 'a' supplied"),
        (
            strict({"a": {"type": "object"}}),
            r"In context=\('properties', 'a'\), 'additionalProperties' is required to be supplied",
        ),
        (strict({"a": {"type": "array"}}), "array schema missing items"),
        (strict({"a": {"description": "x"}}), "schema must have a 'type' key"),
        (strict({"a": {"allOf": [TEXT]}}), "'allOf' is not permitted"),
        (strict({"a": True}), "must be an object, not true or false"),
        (strict({"a": {"anyOf": [TEXT, {"type": "array"}]}}), r"'anyOf', '1'\), array schema"),
        (strict({"a": {"enum": list(range(1001))}}), "at most 1000 enum values in total .* received 1001"),
    ],
)
def test_refused_in_strict_mode(schema: dict[str, Any], message: str) -> None:
    """The first broken rule is told, with its place, in OpenAI's words."""
    with pytest.raises(BadSchema, match=message):
        check_strict(schema)


def test_levels_of_nesting() -> None:
    """Ten levels of objects, as at OpenAI."""
    schema = strict({"a": TEXT})
    for _ in range(8):
        schema = strict({"a": schema})
    check_strict(schema)
    with pytest.raises(BadSchema, match="at most 10 levels of nesting"):
        check_strict(strict({"a": schema}))


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objct"}, r"'type' must be one or more of .* but is 'objct'"),
        ({"type": [["string"]]}, "'type' must be"),
        ({"properties": []}, r"In context=\(\), 'properties' must be an object of schemas, but is \[\]"),
        ({"properties": {"a": {"required": [1]}}}, r"In context=\('properties', 'a'\), 'required' must be"),
        ({"type": "integer", "minimum": 10**300}, "'minimum' must be a number of at most 63 bits"),
        ({"anyOf": {}}, "'anyOf' must be a list of schemas"),
        ({"properties": {"a": 1}}, "is not of type 'object', 'boolean'"),
        ({"enum": ["x" * 200_000]}, "characters; at most 200000"),
    ],
)
def test_no_schema(schema: dict[str, Any], message: str) -> None:
    """What the language of schemas does not know, and what is too large."""
    with pytest.raises(BadSchema, match=message) as refusal:
        check_schema(schema)
    assert len(str(refusal.value)) < 400


def test_a_large_schema_is_checked_in_no_time() -> None:
    """The largest schema that is let through takes a fraction of a second."""
    schema = {"type": "object", "properties": {f"p{number}": {"anyOf": [TEXT] * 20} for number in range(450)}}
    began = time.process_time()
    check_schema(schema)
    assert time.process_time() - began < 0.5


def test_deep_nesting_is_refused() -> None:
    """However deep a schema goes, checking it does not."""
    schema: dict[str, Any] = {}
    for _ in range(100_000):
        schema = {"items": schema}
    with pytest.raises(BadSchema, match="nested more than 64 levels"):
        check_schema(schema)
    while "items" in schema:  # taken apart from outside: Python frees deep nesting recursively
        schema = schema["items"]
