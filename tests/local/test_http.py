"""What holds for every request."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest

from tests.local.serving import HELLO, Server


def test_every_answer_has_an_id_of_its_own(server: Server) -> None:
    """x-request-id is on answers and refusals alike."""
    paths = ("/models", "/models", "/nowhere", "/chat/completions")
    ids = [server.send("GET", path).headers["x-request-id"] for path in paths]
    ids.append(server.send("GET", "/models", headers={"host": "example.com"}).headers["x-request-id"])
    assert len(set(ids)) == 5


@pytest.mark.parametrize(
    ("method", "path", "status", "message"),
    [
        ("GET", "/nowhere", 404, "Invalid URL (GET /v1/nowhere)"),
        ("POST", "/chat", 404, "Invalid URL (POST /v1/chat)"),
        ("GET", "/chat/completions", 405, "Not allowed to GET on /v1/chat/completions."),
        ("DELETE", "/models", 405, "Not allowed to DELETE on /v1/models."),
    ],
)
def test_unknown_urls_and_methods(server: Server, method: str, path: str, status: int, message: str) -> None:
    """They get OpenAI's error body too."""
    answer = server.send(method, path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"] == message


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"model": "evalkit-tiny"',
        b'{"model": "\xff"}',
        b'{"temperature": NaN}',
        b'{"temperature": -Infinity}',
        b'{"temperature": 1e999}',
        b'{"seed": ' + b"9" * 10_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\x00",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_not_json_is_refused(server: Server, body: bytes) -> None:
    """Broken, cut off, not UTF-8, not finite, endless or nested beyond reason: a 400 each, and no crash."""
    for path in ("/chat/completions", "/completions", "/fine_tuning/jobs"):
        answer = server.send("POST", path, content=body)
        assert answer.status_code == 400
        assert "could not parse the JSON body" in answer.json()["error"]["message"]


@pytest.mark.parametrize("body", ["[]", "null", '"text"', "3"])
def test_what_is_no_object_is_refused(server: Server, body: str) -> None:
    """A JSON body that is no object is named for what it is."""
    answer = server.send("POST", "/chat/completions", content=body)
    assert answer.status_code == 400
    assert "expected an object" in answer.json()["error"]["message"]


def test_large_bodies_are_refused(server: Server) -> None:
    """Beyond 4 MiB a body is refused, whether its length is told or not."""
    large = b" " * (4 * 2**20 + 1)
    told = server.send("POST", "/chat/completions", content=large)
    assert told.status_code == 413

    def chunks() -> Iterator[bytes]:
        yield large

    assert server.send("POST", "/chat/completions", content=chunks()).status_code == 413
    assert server.send("GET", "/models").status_code == 200


def test_request_cut_off_in_its_body_does_no_harm(server: Server) -> None:
    """A client that goes away while it sends leaves the server as it was."""
    with socket.create_connection(("127.0.0.1", server.port)) as sending:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"
        sending.sendall(head.encode())
    assert server.send("POST", "/chat/completions", json=HELLO).status_code == 200


def test_answers_are_json_in_ascii(server: Server) -> None:
    """Bodies are pure ASCII with escapes: valid UTF-8 whatever a client or a model wrote."""
    answer = server.send(
        "POST", "/completions", json={"model": "evalkit-tiny", "prompt": "ü😀", "echo": True}
    )
    assert answer.content.isascii()
    assert json.loads(answer.content)["choices"][0]["text"].startswith("ü😀")
