"""OpenAI's own description of its API, to hold what is sent to the server, and what it says, against it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

FILE = Path(__file__).resolve().parents[3] / "shared/data/openai-openapi/openapi.json"


@cache
def _description() -> Any:
    found = _modern(json.loads(FILE.read_text(encoding="utf-8")))
    schemas = found["components"]["schemas"]
    schemas["FineTuningJob"]["properties"]["status"]["enum"].append("paused")  # forgotten there, though
    schemas["OpenAIFile"]["properties"]["purpose"]["enum"].append("evals")  # requests may ask for both
    return found


def _modern(node: Any) -> Any:
    """Spell what OpenAPI 3.0 had of its own as JSON Schema does: the description mixes both."""
    if isinstance(node, list):
        return [_modern(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = {key: _modern(value) for key, value in node.items()}
    if plain.get("exclusiveMinimum") is True:
        plain["exclusiveMinimum"] = plain.pop("minimum")
    return {"anyOf": [plain, {"type": "null"}]} if plain.pop("nullable", False) is True else plain


def assert_conforms(body: object, schema: str) -> None:
    """Validate a body; skips the test where the description is not at hand."""
    if not FILE.exists():
        pytest.skip(f"OpenAI's API description is not at {FILE}")
    validate(body, {"$ref": f"#/components/schemas/{schema}"})


def validate(value: object, schema: dict[str, Any]) -> None:
    """Validate against a schema of the description, which may refer to its components."""
    root = {**schema, "components": _description()["components"]}
    jsonschema.Draft202012Validator(root).validate(value)


def operation(method: str, path: str) -> dict[str, Any]:
    """Find the operation that a request asks for, by its path behind `/v1`.

    Raises:
        AssertionError: OpenAI's API has none such.
    """
    for template in _described_paths():
        found = _description()["paths"][template].get(method.lower())
        if found is not None and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            return dict(found)
    raise AssertionError(f"OpenAI's API has no {method} {path}")


def _described_paths() -> Iterator[str]:
    """Those without parameters come first: `/files/x` is never a parameter where it is a path."""
    yield from sorted(_description()["paths"], key=lambda path: path.count("{"))
