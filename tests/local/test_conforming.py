"""The transport that holds exchanges against OpenAI's description finds what does not conform."""

from __future__ import annotations

import json
from typing import Any

import httpx2
import jsonschema
import pytest

from tests.local.conforming import check
from tests.local.openai_description import FILE
from tests.local.serving import HELLO

pytestmark = pytest.mark.skipif(not FILE.exists(), reason=f"OpenAI's API description is not at {FILE}")


def exchange(
    body: Any, sent: Any = HELLO, path: str = "/v1/models/m", method: str = "GET"
) -> tuple[Any, ...]:
    headers = {"x-request-id": "r", "openai-version": "v", "openai-processing-ms": "1"}
    content = b"" if method == "GET" else json.dumps(sent).encode()
    request = httpx2.Request(
        method, f"http://localhost{path}", content=content, headers={"content-type": "application/json"}
    )
    answer = httpx2.Response(200, json=body, headers=headers)
    return request, answer, answer.content


def test_what_does_not_conform_is_found() -> None:
    """A missing field, a wrong type, a missing header and an unknown URL are faults."""
    model = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}
    check(*exchange(model))
    for broken in ({**model, "created": "now"}, {"id": "m"}):
        with pytest.raises(jsonschema.ValidationError):
            check(*exchange(broken))
    request, answer, body = exchange(model)
    del answer.headers["x-request-id"]
    with pytest.raises(AssertionError, match="x-request-id"):
        check(request, answer, body)
    with pytest.raises(AssertionError, match="has no GET /nowhere"):
        check(*exchange(model, path="/v1/nowhere"))
    with pytest.raises(jsonschema.ValidationError):
        check(*exchange({}, sent={"model": 3}, path="/v1/chat/completions", method="POST"))
