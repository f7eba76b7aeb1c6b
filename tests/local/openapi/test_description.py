"""The description that the server publishes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from starlette.routing import Route

from evalkit.local.app import ROUTES
from evalkit.local.openapi import description
from tests.local.serving import Server


def test_it_is_published(server: Server) -> None:
    """At /openapi.json, beside /v1, and as it is written here."""
    answer = server.http.get(server.base_url.removesuffix("/v1") + "/openapi.json")
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == description()


def test_every_route_is_described_and_no_other() -> None:
    """A handler that is added without its description is found here, and so is the reverse."""
    routed = {
        (re.sub(r"\{.*?\}", "{}", route.path.removeprefix("/v1")), method)
        for route in ROUTES
        for method in method_of(route)
    }
    described = {
        (re.sub(r"\{.*?\}", "{}", path), method.upper())
        for path, methods in description()["paths"].items()
        for method in methods
    }
    assert described == routed - {("/openapi.json", "GET")}


def method_of(route: Route) -> set[str]:
    return (route.methods or set()) - {"HEAD"}


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every schema of the description: of components, parameters, bodies and answers."""
    if isinstance(node, list):
        for one in node:
            yield from schemas(one)
    elif isinstance(node, dict):
        if isinstance(node.get("schema"), dict):
            yield node["schema"]
        for one in node.values():
            yield from schemas(one)


def test_schemas_are_schemas() -> None:
    """Each is valid JSON Schema, and refers to what is there."""
    found = description()
    for schema in [*schemas(found["paths"]), *found["components"]["schemas"].values()]:
        jsonschema.Draft202012Validator.check_schema(schema)
    named = set(re.findall(r"#/components/schemas/(\w+)", str(found)))
    assert named == found["components"]["schemas"].keys()


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ({"model": "m", "messages": [{"role": "user", "content": "x"}]}, True),
        ({"model": "m", "messages": [{"role": "user", "content": None}]}, False),
        ({"model": "m", "messages": []}, False),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": 3}, False),
        ({"model": "m", "messages": [{"role": "user", "content": "x"}], "colour": "red"}, False),
        ({"model": "m", "messages": [{"role": "tool", "content": "x"}]}, False),
    ],
)
def test_it_tells_good_requests_from_bad(body: dict[str, Any], valid: bool) -> None:
    """It is as strict as the reader of requests is."""
    root = {"$ref": "#/components/schemas/ChatRequest", "components": description()["components"]}
    assert jsonschema.Draft202012Validator(root).is_valid(body) == valid
