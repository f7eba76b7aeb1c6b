"""The form that a judge fills in, for a grade or for a pair: one choice among a few, and its reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from evalkit.checks.fields import shown
from evalkit.checks.strict_json import NotJson, parse
from evalkit.endpoints.base import Response


class Unreadable(Exception):
    """A judge's reply that is not the form asked for; the text says what it is instead."""


def form(name: str, field: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `response_format` that asks for `reason` and `field`, which is one of `values` (a JSON Schema)."""
    return {
        "type": "json_schema",
        "json_schema": {
            "name": name,
            "strict": True,
            "schema": {
                "type": "object",
                "properties": {"reason": {"type": "string"}, field: values},
                "required": ["reason", field],
                "additionalProperties": False,
            },
        },
    }


def filled_in(response: Response, field: str, values: Collection[Any]) -> tuple[Any, str]:
    """What a reply chose of `values`, and why.

    Raises:
        Unreadable: the judge refused, was cut off, or wrote something that is not valid against the form.
    """
    if response.refusal:
        raise Unreadable(f"the judge refused: {response.refusal[:200]}")
    if response.finish_reason == "length":
        raise Unreadable("the judge's reply was cut off: allow it more tokens")
    try:
        found = parse(response.text or "")
    except NotJson as fault:
        raise Unreadable(f"the judge's reply is no JSON: {fault}") from fault
    if not _valid(found, field, values):
        raise Unreadable(f"the judge's reply is not the form asked for: {shown(found)}")
    return found[field], found["reason"]


def _valid(found: Any, field: str, values: Collection[Any]) -> bool:
    return (
        isinstance(found, dict)
        and found.keys() == {"reason", field}
        and isinstance(found["reason"], str)
        and type(found[field]) in map(type, values)  # true is no score
        and found[field] in values
    )
