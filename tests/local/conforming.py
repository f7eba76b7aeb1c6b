"""A transport for the official client that holds every exchange against OpenAI's description.

A request that the server took must be one that OpenAI describes, and so must every answer: by its path,
method and status, chunk by chunk where it is streamed, with the headers that OpenAI's API sends.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from email import message_from_bytes, policy
from typing import Any

import httpx2

from tests.local.openai_description import operation, validate

HEADERS = ("x-request-id", "openai-version", "openai-processing-ms")
LIMITED = ("/chat/completions", "/completions", "/responses")
LIMITS = [
    f"x-ratelimit-{figure}-{kind}"
    for figure in ("limit", "remaining", "reset")
    for kind in ("requests", "tokens")
]
ERROR = {"$ref": "#/components/schemas/ErrorResponse"}


class ConformingTransport(httpx2.HTTPTransport):
    """Sends as usual, and raises AssertionError or ValidationError where an exchange does not conform."""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send, and check the answer once it is read to its end."""
        request.read()
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Read(response.stream, request, response)
        return response


class _Read(httpx2.SyncByteStream):
    """Passes an answer on; one that the client leaves early is not checked."""

    def __init__(self, stream: httpx2.SyncByteStream, request: httpx2.Request, response: httpx2.Response):
        self._stream, self._request, self._response = stream, request, response

    def __iter__(self) -> Iterator[bytes]:
        parts = []
        for part in self._stream:
            parts.append(part)
            yield part
        check(self._request, self._response, b"".join(parts))

    def close(self) -> None:
        self._stream.close()


def check(request: httpx2.Request, response: httpx2.Response, body: bytes) -> None:
    """Hold one exchange against the description."""
    path = request.url.raw_path.decode().partition("?")[0].removeprefix("/v1")
    described = operation(request.method, path)
    if response.is_success:
        _check_query(request, described)
        _check_sent(request, described)
    _check_headers(request.method, path, response)
    _check_answer(response, body, described)


def _check_query(request: httpx2.Request, described: dict[str, Any]) -> None:
    """`metadata[key]=value` is how the client writes a parameter that is an object."""
    schemas = {one["name"]: one["schema"] for one in described.get("parameters", []) if one["in"] == "query"}
    for name, text in request.url.params.items():
        schema = schemas[name.partition("[")[0]]
        if "[" in name:
            validate({name.partition("[")[2][:-1]: text}, schema)
        else:
            validate(int(text) if schema.get("type") == "integer" else text, schema)


def _check_sent(request: httpx2.Request, described: dict[str, Any]) -> None:
    if "requestBody" not in described:
        assert request.content in (b"", b"{}"), f"{request.url.path} takes no body"
        return
    kind = request.headers["content-type"].partition(";")[0]
    sent = _form(request) if kind == "multipart/form-data" else json.loads(request.content)
    validate(sent, described["requestBody"]["content"][kind]["schema"])


def _form(request: httpx2.Request) -> dict[str, Any]:
    """Read a form: `expires_after[seconds]` is a field of an object, and all digits are a number there."""
    head = b"content-type: " + request.headers["content-type"].encode() + b"\r\n\r\n"
    fields: dict[str, Any] = {}
    for part in message_from_bytes(head + request.content, policy=policy.HTTP).iter_parts():
        name = part.get_param("name", header="content-disposition")
        text = bytes(part.get_payload(decode=True)).decode("latin-1")
        outer, _, inner = str(name).partition("[")
        if inner:
            fields.setdefault(outer, {})[inner[:-1]] = int(text) if text.isdecimal() else text
        else:
            fields[outer] = text
    return fields


def _check_headers(method: str, path: str, response: httpx2.Response) -> None:
    wanted = [*HEADERS, *(LIMITS if method == "POST" and path in LIMITED else ())]
    missing = [name for name in wanted if not response.headers.get(name)]
    assert not missing, f"{method} {path}: the answer has no {missing}"


def _check_answer(response: httpx2.Response, body: bytes, described: dict[str, Any]) -> None:
    kind = response.headers["content-type"].partition(";")[0]
    if not response.is_success:
        assert kind == "application/json"
        validate(json.loads(body), ERROR)
        assert set(json.loads(body)) == {"error"}
        return
    content = described["responses"][str(response.status_code)].get("content", {})
    if not content:  # OpenAI does not say what comes when a response is deleted
        return
    if kind == "text/event-stream":
        schema = content.get(kind, content["application/json"])["schema"]
        for event in _events(body):
            validate(event, schema)
    elif kind == "application/json":
        validate(json.loads(body), content[kind]["schema"])
    else:
        assert kind == "application/octet-stream"  # a file's content, which is described as a text


def _events(body: bytes) -> Iterator[Any]:
    """Give the JSON of every event but the closing `[DONE]`; an event may have a name before its data."""
    for line in body.decode().splitlines():
        if line.startswith("data: ") and line != "data: [DONE]":
            yield json.loads(line.removeprefix("data: "))
