"""Tools as models see them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any


def tool_signature(name: str, description: str, parameters: Mapping[str, Any]) -> str:
    """A tool as a model sees it, e.g. `set_light(room: "hall" | "attic", on?: boolean): Switch it.`

    The embedded models see just this, OpenAI's much the same. `?` marks what is not required; types are
    told, and the tool's own description.
    """
    required = parameters.get("required") or ()
    properties: Mapping[str, Any] = parameters.get("properties") or {}
    arguments = [
        f"{name}{'' if name in required else '?'}: {_type_of(schema)}" for name, schema in properties.items()
    ]
    described = f": {' '.join(description.split())}" if description else ""
    return f"{name}({', '.join(arguments)}){described}"


def tools_block(signatures: Iterable[str]) -> str:
    """What stands at the end of the embedded models' system turn, a tool a line."""
    return "\n".join(["Tools:", *signatures])


def signature(tool: Mapping[str, Any]) -> str:
    """Of a tool as a request declares it."""
    function = tool.get("function") or {}
    description = function.get("description") or ""
    return tool_signature(str(function.get("name")), description, function.get("parameters") or {})


def _type_of(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "any"
    if schema.get("enum"):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    kinds = schema.get("type") or "any"
    return " | ".join(_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds))


def _kind(kind: str, schema: Mapping[str, Any]) -> str:
    items = schema.get("items")
    return f"array of {_type_of(items)}" if kind == "array" and isinstance(items, Mapping) else kind
