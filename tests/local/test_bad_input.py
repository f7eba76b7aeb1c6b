"""Bad requests to every endpoint: the right refusal, in bounded memory and time, and the server goes on."""

from __future__ import annotations

import json
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from tests.local.memory import resident_mib
from tests.local.serving import HELLO, Server

POSTS = ("/chat/completions", "/completions", "/responses", "/fine_tuning/jobs", "/batches")
MODEL = b'"model":"evalkit-tiny"'
WORD = b'{"role":"user","content":"x"}'
CHAT = b"{" + MODEL + b',"max_tokens":1,"messages":[' + WORD + b"]"
MOST_MIB = 150  # more than before, whatever is sent
MOST_S = 10  # until the refusal, on two busy cores
TOOL = b'{"type":"function","function":{"name":"f"}}'
SCHEMA = b'{"type":"json_schema","json_schema":{"name":"s","schema":%s}}'


@contextmanager
def unharmed(server: Server) -> Iterator[None]:
    """Whatever happens inside takes no long time and no memory that stays; a chat works afterwards."""
    server.send("POST", "/chat/completions", json=HELLO)
    before, began = resident_mib(server), time.monotonic()
    yield
    assert time.monotonic() - began < MOST_S
    assert server.send("POST", "/chat/completions", json=HELLO).status_code == 200
    assert resident_mib(server) < before + MOST_MIB


def refused(server: Server, path: str, body: bytes, *statuses: int) -> dict[str, Any]:
    """Post a body as it stands; give the error object."""
    answer = server.send("POST", path, content=body, headers={"content-type": "application/json"})
    assert answer.status_code in (statuses or (400,)), answer.text[:300]
    error: dict[str, Any] = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert len(answer.content) < 10_000
    return error


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b'{"model": "evalkit-tiny"',
        b'{"model": "\xff\xfe"}',
        "{}".encode("utf-16"),
        b'{"x": 1e400}',
        b'{"x": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a":[' * 500_000,
        b"\x00" * 1000,
    ],
    ids=lambda body: f"{body[:12]!r}x{len(body)}",
)
def test_what_is_no_json(server: Server, path: str, body: bytes) -> None:
    """Cut off, in another encoding, beyond a float, endless digits, 100,000 levels deep: 400 everywhere."""
    began = time.monotonic()
    assert "could not parse the JSON body" in refused(server, path, body)["message"]
    assert time.monotonic() - began < MOST_S


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (CHAT + b',"tools":[' + b",".join([TOOL] * 10_000) + b"]}", "array_above_max_length"),
        (b"{" + MODEL + b',"messages":[' + b",".join([WORD] * 120_000) + b"]}", "array_above_max_length"),
        (b"{" + MODEL + b',"messages":[' + b",".join([b"[]"] * 1_000_000) + b"]}", None),
        (b'{"messages":[' + b",".join([b"[]"] * 1_000_000) + b"]}", None),
        (b"{" + b",".join(b'"k%d":1' % number for number in range(300_000)) + b"}", None),
        (CHAT + b',"seed":' + b"9" * 4000 + b"}", "integer_above_max_value"),
        (CHAT + b',"max_completion_tokens":' + b"9" * 4000 + b"}", None),
        (CHAT + b',"temperature":' + b"9" * 4000 + b"}", "decimal_above_max_value"),
        (CHAT + b',"temperature":1e308}', "decimal_above_max_value"),
        (CHAT + b',"logit_bias":{' + b",".join(b'"%d":200' % n for n in range(200_000)) + b"}}", None),
        (CHAT + b',"stop":[' + b",".join([b'"a"'] * 100_000) + b"]}", "array_above_max_length"),
        (CHAT + b',"%s":1}' % (b"k" * 1_000_000), None),
        (CHAT + b',"model":"%s"}' % (b"m" * 1_000_000), "model_not_found"),
        (
            CHAT + b',"response_format":' + SCHEMA % (b'{"items":' * 900 + b"{}" + b"}" * 900) + b"}",
            None,
        ),
        (
            CHAT
            + b',"response_format":'
            + SCHEMA % (b'{"enum":[' + b",".join(b"%d" % n for n in range(300_000)) + b"]}")
            + b"}",
            None,
        ),
        (b"{" + MODEL + b',"messages":[{"role":"user","content":"%s"}]}' % (b"a" * 4_000_000), None),
        (b"{" + MODEL + b',"messages":[{"role":"user","content":"%s"}]}' % (b"a b " * 900_000), None),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_too_much_of_everything(server: Server, body: bytes, code: str | None) -> None:
    """10,000 tools, 120,000 messages, a million lists, endless numbers, names and schemas: refused, soon."""
    with unharmed(server):
        error = refused(server, "/chat/completions", body, 400, 404)
    assert code is None or error["code"] == code


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": ["x"] * 500_000},
        {"prompt": [1] * 1_500_000},
        {"prompt": [[1]] * 300_000},
        {"prompt": "x", "n": 128, "best_of": 10**18},
        {"prompt": ["x"] * 2000, "n": 128},
    ],
    ids=["texts", "tokens", "lists", "best_of", "n"],
)
def test_too_many_prompts(server: Server, body: dict[str, Any]) -> None:
    """More than one request may ask for is refused before anything is generated."""
    with unharmed(server):
        refused(
            server,
            "/completions",
            json.dumps({"model": "evalkit-tiny", **body}, separators=(",", ":")).encode(),
        )


def test_a_million_messages(server: Server) -> None:
    """Beyond 4 MiB nothing is read: 413, as soon as the length is told."""
    began = time.monotonic()
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head("/chat/completions", "content-length: 30000000"))
        assert received(connection).startswith(b"HTTP/1.1 413 ")
    assert time.monotonic() - began < 2


def test_uploads_beyond_the_limit(server: Server) -> None:
    """A file of more than 512 MB is refused by the length that is told, before it is sent."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head("/files", "content-length: 600000000", "content-type: multipart/form-data"))
        answer = received(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"request_too_large"' in answer


@pytest.mark.parametrize("path", [*POSTS, "/files"])
@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data", "multipart/form-data; boundary=x", "x"]
)
def test_other_content_types(server: Server, path: str, kind: str) -> None:
    """A body is what it is, whatever it is called: no JSON, no form, no 500."""
    answer = server.send("POST", path, content=b"--x\r\n\r\n--x", headers={"content-type": kind})
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "\u202e\x1b[31m", "\U0001f600" * 100])
def test_strange_characters_are_taken(server: Server, text: str) -> None:
    """Null bytes, half surrogates and control characters are text like any other, and come back as such."""
    asked = {"model": "evalkit-tiny", "prompt": text, "echo": True, "max_tokens": 0}
    answer = server.send("POST", "/completions", content=json.dumps(asked).encode())
    if text == "\ud800":  # no tokens can spell it
        assert answer.status_code in (200, 400)
    else:
        assert answer.json()["choices"][0]["text"] == text


def test_the_last_of_two_equal_keys_counts(server: Server) -> None:
    """As in OpenAI's API, and in most that read JSON."""
    twice = CHAT + b',"temperature":9,"temperature":0}'
    answer = server.send("POST", "/chat/completions", content=twice)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/files/..%2f..%2fstate.sqlite", "/files/%00", "/models/..%2f..", "/batches/%2e%2e", "/files//content"],
)
def test_paths_lead_nowhere(server: Server, path: str) -> None:
    """No path in a URL leads out of what the server keeps."""
    answer = server.send("GET", path)
    assert answer.status_code == 404
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("path", ["/models/", "/files/", "/v2/models", "//models", "/chat/completions/x/y"])
def test_unknown_urls_are_not_redirected(server: Server, path: str) -> None:
    """They are 404 with OpenAI's body, a slash at the end included."""
    answer = server.send("GET", path)
    assert answer.status_code == 404
    assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize(("path", "size"), [("/chat/completions", 5 * 2**20), ("/files", 520 * 2**20)])
def test_who_sends_it_all_first_is_told_that_it_was_too_much(server: Server, path: str, size: int) -> None:
    """Most clients read only when they have sent: a connection that is reset would tell them nothing."""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head(path, f"content-length: {size}"))
        for _ in range(0, size, 2**20):
            connection.sendall(b" " * 2**20)
        assert b'"code":"request_too_large"' in received(connection)


def head(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"POST /v1{path} HTTP/1.1", "host: localhost", *headers, "", ""]).encode()


def received(connection: socket.socket) -> bytes:
    """Read what comes until the server closes or is done."""
    connection.settimeout(30)
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
        if b'"error"' in part:
            break
    return b"".join(parts)


def test_clients_that_leave(server: Server) -> None:
    """Fifty that go away in the middle of head, body, form or answer leave nothing behind."""
    whole = json.dumps({**HELLO, "max_tokens": 500, "stream": True}).encode()
    sent = [
        b"POST /v1/chat",
        head("/chat/completions", "content-length: 1000") + b"{",
        head("/files", "content-length: 1000", "content-type: multipart/form-data; boundary=x") + b"--x\r\n",
        head("/chat/completions", f"content-length: {len(whole)}") + whole,
        head("/chat/completions", "transfer-encoding: chunked") + b"5\r\n{",
    ]
    with unharmed(server):
        for message in sent * 10:
            with socket.create_connection(("127.0.0.1", server.port)) as connection:
                connection.sendall(message)


def test_many_idle_connections(server: Server) -> None:
    """Four hundred that say nothing, or half of something, keep nobody else waiting."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    with unharmed(server), ExitStack() as opened:
        for number in range(400):
            connection = opened.enter_context(socket.create_connection(("127.0.0.1", server.port)))
            connection.sendall(b"" if number % 2 else head("/chat/completions", "content-length: 100") + b"{")
        for _ in range(5):
            assert server.send("POST", "/chat/completions", json=HELLO).status_code == 200


@pytest.mark.slow
def test_slow_clients_are_let_go(server: Server) -> None:
    """Ten seconds for a head, and for a body that comes byte by byte: 408, or just the connection's end."""
    silent, body = (socket.create_connection(("127.0.0.1", server.port)) for _ in range(2))
    with silent, body:
        silent.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nhost: local")
        body.sendall(head("/chat/completions", "content-length: 1000") + b"{")
        began = time.monotonic()
        body.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - began < 30:
            try:
                answer = body.recv(65536)
            except TimeoutError:
                body.sendall(b" ")
        body.settimeout(10)
        while more := body.recv(65536):  # the connection is closed behind the answer
            answer += more
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b'"code":"request_timeout"' in answer
        assert received(silent) == b""
        assert 8 < time.monotonic() - began < 25
    assert server.send("POST", "/chat/completions", json=HELLO).status_code == 200
