"""The description of this server's API that it publishes at /openapi.json: OpenAPI 3.1, one module a part.

It says what the request readers in `api` take and what the handlers give, no more and no less.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.http.json_response import encoded
from evalkit.local.openapi import batches, chat, completions, files, fine_tuning, models, responses
from evalkit.local.openapi.shapes import NULL, TEXT, either, told

PARTS = (models, chat, completions, responses, files, fine_tuning, batches)
OPTIONAL_TEXT = either(TEXT, NULL)
REFUSAL = told(
    {"error": told({"message": TEXT, "type": TEXT, "param": OPTIONAL_TEXT, "code": OPTIONAL_TEXT})}
)


async def publish(_request: Request) -> Response:
    """GET /openapi.json."""
    return Response(_published(), media_type="application/json")


def description() -> dict[str, Any]:
    """Put the parts together."""
    schemas = {name: schema for part in PARTS for name, schema in part.SCHEMAS.items()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "evalkit",
            "version": "1",
            "description": "A local server that speaks OpenAI's API: answers, fine-tuning, files, batches.",
        },
        "servers": [{"url": "/v1"}],
        "security": [{}, {"key": []}],
        "paths": {path: methods for part in PARTS for path, methods in part.PATHS.items()},
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Refusal": REFUSAL, **schemas},
        },
    }


@cache
def _published() -> bytes:
    return encoded(description())
