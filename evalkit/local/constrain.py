"""response_format json_schema, held while the answer is written: a flat JSON schema becomes a `Grammar`.

Answers come in the one spelling that `json.dumps(answer, ensure_ascii=False)` has: properties in the schema's
order, `", "` and `": "` between them, no other spaces. Texts are bounded (`LONGEST_TEXT` characters, or the
schema's maxLength), and so are numbers: an answer always comes to its end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from evalkit.local.grammar import Grammar, Number, OneOf, Part, Text, spelled
from evalkit.local.http.errors import ApiError, not_supported
from evalkit.local.http.validate import Fields

LONGEST_TEXT = 400
WIDEST_RANGE = 10_000  # integers between minimum and maximum are written out
SUPPORTED = (
    "supported are flat objects whose properties are strings (minLength, maxLength), integers (minimum "
    "together with maximum), numbers, booleans, null, enum and const"
)


def read_response_format(body: Fields) -> Grammar | None:
    """Read `response_format` of a chat request; None where plain text is asked for.

    Raises:
        ApiError: unknown type, a schema that OpenAI's strict mode refuses, or one that is not flat.
    """
    form = body.object("response_format")
    if form is None:
        return None
    kind = form.choice("type", ("text", "json_object", "json_schema"))
    if kind == "json_object":
        raise not_supported("'response_format' of type 'json_object'", "response_format")
    return _read_json_schema(form) if kind == "json_schema" else None


def _read_json_schema(form: Fields) -> Grammar:
    form.required("json_schema")
    named = form.object("json_schema") or form
    named.only("name", "description", "schema", "strict")
    named.required("name")
    named.required("schema")
    named.object("schema")
    return compiled(json.dumps(named.get("schema")), str(named.text("name", "", longest=64)))


@lru_cache(maxsize=64)
def compiled(schema: str, name: str) -> Grammar:
    """Turn a schema, given as JSON text, into the grammar of its answers.

    Raises:
        ApiError: the schema is not strict or not flat; says which part, and names the schema.
    """
    properties = _strict_properties(json.loads(schema), name)
    places: list[list[Part]] = []
    for key, value in properties.items():
        before = b", " if places else b"{"
        places.append([OneOf([before + spelled(key) + b": "])])
        places.append(_alternatives(value, key, name))
    return Grammar([*places, [OneOf([b"}"])]])


def _strict_properties(schema: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Give the properties of a strict object schema."""
    properties = schema.get("properties")
    if schema.get("type") != "object" or not isinstance(properties, dict) or not properties:
        raise _bad_schema(name, f"In context=(), an object with properties is expected: {SUPPORTED}")
    if schema.get("additionalProperties") is not False:
        raise _bad_schema(
            name, "In context=(), 'additionalProperties' is required to be supplied and to be false"
        )
    required = schema.get("required")
    missing = [key for key in properties if not isinstance(required, list) or key not in required]
    if missing:
        raise _bad_schema(
            name,
            "In context=(), 'required' is required to be supplied and to be an array including every key in "
            f"properties. Missing '{missing[0]}'",
        )
    return properties


def _alternatives(schema: Any, key: str, name: str) -> list[Part]:
    """Give what one property's value may be."""
    try:
        return _parts(schema)
    except ValueError as fault:
        raise _bad_schema(name, f"In context=('properties', '{key}'), {fault}") from None


def _parts(schema: Any) -> list[Part]:
    if not isinstance(schema, dict):
        raise ValueError("an object is expected")
    if "const" in schema:
        return [OneOf([spelled(schema["const"])])]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return [OneOf(map(spelled, schema["enum"]))]
    unknown = set(schema) - {"type", "description", "title", "minLength", "maxLength", "minimum", "maximum"}
    if unknown:
        raise ValueError(f"'{min(unknown)}' is not supported: {SUPPORTED}")
    types = schema.get("type")
    return [_typed(kind, schema) for kind in (types if isinstance(types, list) and types else [types])]


def _typed(kind: Any, schema: Mapping[str, Any]) -> Part:
    if not isinstance(kind, str) or kind not in _TYPES:
        raise ValueError(f"type {kind!r} is not supported: {SUPPORTED}")
    return _TYPES[kind](schema)


def _text(schema: Mapping[str, Any]) -> Part:
    low, high = schema.get("minLength", 0), schema.get("maxLength", LONGEST_TEXT)
    if not (_whole(low) and _whole(high) and 0 <= low <= high <= LONGEST_TEXT):
        raise ValueError(f"0 <= minLength <= maxLength <= {LONGEST_TEXT} is required")
    return Text(low, high)


def _integer(schema: Mapping[str, Any]) -> Part:
    if "minimum" not in schema and "maximum" not in schema:
        return Number(whole=True)
    low, high = schema.get("minimum", 0), schema.get("maximum", math.inf)
    if not (_whole(low) and _whole(high) and 0 <= high - low < WIDEST_RANGE):
        raise ValueError(f"an integer needs minimum and maximum together, less than {WIDEST_RANGE} apart")
    return OneOf(b"%d" % value for value in range(low, high + 1))


def _number(schema: Mapping[str, Any]) -> Part:
    if "minimum" in schema or "maximum" in schema:
        raise ValueError("minimum and maximum are supported for type integer only")
    return Number(whole=False)


_TYPES: Mapping[str, Callable[[Mapping[str, Any]], Part]] = {
    "string": _text,
    "integer": _integer,
    "number": _number,
    "boolean": lambda _schema: OneOf([b"true", b"false"]),
    "null": lambda _schema: OneOf([b"null"]),
}


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _bad_schema(name: str, what: str) -> ApiError:
    return ApiError(f"Invalid schema for response_format '{name}': {what}.", param="response_format")
