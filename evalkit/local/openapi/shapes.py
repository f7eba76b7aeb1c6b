"""The words in which the description is written: JSON Schema and OpenAPI 3.1, shortened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

ANY: Schema = {}
TEXT: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
TIME: Schema = {"type": "integer", "minimum": 0, "description": "seconds since 1970"}
COUNT: Schema = {"type": "integer", "minimum": 0}
OBJECT: Schema = {"type": "object"}


def text(*, longest: int | None = None, shortest: int | None = None, pattern: str | None = None) -> Schema:
    """A string; lengths are in characters."""
    limits = {"maxLength": longest, "minLength": shortest, "pattern": pattern}
    return {"type": "string"} | {name: limit for name, limit in limits.items() if limit is not None}


def one_of(*values: str) -> Schema:
    """One of a few strings."""
    return {"type": "string", "enum": list(values)}


def integer(low: int, high: int) -> Schema:
    """A whole number within [low, high]."""
    return {"type": "integer", "minimum": low, "maximum": high}


def number(low: float, high: float) -> Schema:
    """A number within [low, high]."""
    return {"type": "number", "minimum": low, "maximum": high}


def array(items: Schema, *, least: int = 0, most: int | None = None) -> Schema:
    """A list of so many elements."""
    return {"type": "array", "items": items, "minItems": least} | ({} if most is None else {"maxItems": most})


def mapping(values: Schema) -> Schema:
    """An object with any names."""
    return {"type": "object", "additionalProperties": values}


def either(*schemas: Schema) -> Schema:
    """What fits one of these."""
    return {"anyOf": list(schemas)}


def ref(name: str) -> Schema:
    """A schema of the components."""
    return {"$ref": f"#/components/schemas/{name}"}


def asked(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object of a request: no other fields; an optional one that is null counts as absent."""
    nullable = {name: either(schema, NULL) if schema else ANY for name, schema in (optional or {}).items()}
    return told(required, nullable)


def loose(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object of a request, in which other fields are not looked at."""
    return asked(required, optional) | {"additionalProperties": True}


def told(required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None) -> Schema:
    """An object of an answer: no other fields."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


def list_of(name: str) -> Schema:
    """OpenAI's list object."""
    return told(
        {
            "object": one_of("list"),
            "data": array(ref(name)),
            "first_id": TEXT,
            "last_id": TEXT,
            "has_more": BOOLEAN,
        }
    )


def deleted(kind: str) -> Schema:
    """What a deletion gives."""
    return told({"id": TEXT, "object": one_of(kind), "deleted": {"type": "boolean", "const": True}})


def operation(
    summary: str,
    answer: Schema | None,
    *,
    body: Schema | None = None,
    form: Schema | None = None,
    events: Schema | None = None,
    parameters: Sequence[Schema] = (),
) -> Schema:
    """One method of a path.

    Args:
        summary: what it does.
        answer: the JSON body that it gives; None = the bytes of a file.
        body: the JSON that it takes.
        form: the multipart form that it takes.
        events: what each event of a streamed answer holds.
        parameters: in the path and the query.
    """
    content = {"application/octet-stream": {}} if answer is None else {"application/json": {"schema": answer}}
    if events is not None:
        content["text/event-stream"] = {"schema": events}
    described: Schema = {
        "summary": summary,
        "parameters": list(parameters),
        "responses": {
            "200": {"description": "done", "content": content},
            "4XX": _refusal("the request cannot be answered"),
            "5XX": _refusal("the server is at fault, or has too much to do"),
        },
    }
    for kind, taken in (("application/json", body), ("multipart/form-data", form)):
        if taken is not None:
            described["requestBody"] = {"required": True, "content": {kind: {"schema": taken}}}
    return described


def in_path(name: str) -> Schema:
    """A parameter that stands in the path."""
    return {"name": name, "in": "path", "required": True, "schema": text(shortest=1)}


def in_query(name: str, schema: Schema) -> Schema:
    """An optional parameter of the query."""
    return {"name": name, "in": "query", "schema": schema}


def paged(most: int) -> list[Schema]:
    """The parameters of a list."""
    return [in_query("after", TEXT), in_query("limit", integer(1, most))]


def _refusal(why: str) -> Schema:
    return {"description": why, "content": {"application/json": {"schema": ref("Refusal")}}}
