"""What holds for every request, and how the server starts and ends."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.serving import Server, running

HELLO = {"model": "evalkit-tiny", "messages": [{"role": "user", "content": "x"}], "max_tokens": 1}


def port_of(server: Server) -> int:
    return int(server.base_url.rsplit(":", 1)[1].removesuffix("/v1"))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "api.localhost", "LOCALHOST"]
)
def test_loopback_hosts_are_served(server: Server, host: str) -> None:
    """Any name that can only mean this machine is served, with a port or without."""
    for header in (host, f"{host}:{port_of(server)}"):
        assert server.send("GET", "/models", headers={"host": header}).status_code == 200


@pytest.mark.parametrize(
    "host", ["example.com", "localhost.example.com", "10.0.0.1", "", "127.0.0.1.example.com:80"]
)
def test_other_hosts_are_refused(server: Server, host: str) -> None:
    """A page that rebinds its name to this machine still says its name, and is refused."""
    answer = server.send("GET", "/models", headers={"host": host})
    assert answer.status_code == 403
    assert answer.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("origin", ["http://example.com", "null", "http://localhost:1", "https://127.0.0.1"])
def test_foreign_origins_are_refused(server: Server, origin: str) -> None:
    """No web page may ask, on whatever port it lives; and none is told that it may."""
    answer = server.send("POST", "/chat/completions", json=HELLO, headers={"origin": origin})
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = {"origin": origin, "access-control-request-method": "POST"}
    assert server.send("OPTIONS", "/chat/completions", headers=preflight).status_code == 403


def test_own_origin_is_served(server: Server) -> None:
    """The server's own pages may ask, and still get no CORS header."""
    answer = server.send("GET", "/models", headers={"origin": f"http://127.0.0.1:{port_of(server)}"})
    assert answer.status_code == 200
    assert not [name for name in answer.headers if name.startswith("access-control")]


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
    with socket.create_connection(("127.0.0.1", port_of(server))) as sending:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n{"
        sending.sendall(head.encode())
    assert server.send("POST", "/chat/completions", json=HELLO).status_code == 200


def launch(checkpoint: Path, state: Path, *flags: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Start a server that is expected to end by itself."""
    command = [
        sys.executable,
        "-m",
        "evalkit.local",
        "--weights",
        str(checkpoint),
        "--state",
        str(state),
        *flags,
    ]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=120, cwd=root, check=False, **options
    )


def test_port_in_use(server: Server, checkpoint: Path, tmp_path: Path) -> None:
    """A taken port is exit 4 and one clear line, not a traceback."""
    ended = launch(checkpoint, tmp_path, "--port", str(port_of(server)))
    assert ended.returncode == 4
    assert ended.stderr == (
        f"port {port_of(server)} is in use: stop the server that has it, or give --port 0 for a free one\n"
    )
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--host", "0.0.0.0"), "serves loopback only"),
        (("--host", "example.com"), "serves loopback only"),
        (("--port", "70000"), "a port is from 0 to 65535"),
        (("--weights", "nowhere"), "nowhere/config.json: cannot be read"),
        (("--state", "/proc/nowhere"), "the state folder cannot be written"),
    ],
)
def test_unusable_flags(checkpoint: Path, tmp_path: Path, flags: tuple[str, ...], message: str) -> None:
    """What cannot be used is exit 4 and one line that says what to do."""
    ended = launch(checkpoint, tmp_path, *flags)
    assert (ended.returncode, ended.stdout) == (4, "")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.slow
def test_state_folder_has_one_server(checkpoint: Path, tmp_path: Path) -> None:
    """A second server on the same folder is refused; once the first is gone, killed even, it may start."""
    with running(checkpoint, tmp_path) as first:
        ended = launch(checkpoint, tmp_path)
        assert ended.returncode == 4
        assert "another server is using this state folder" in ended.stderr
        first.process.kill()
        first.process.wait()
    with running(checkpoint, tmp_path) as second:
        assert second.send("GET", "/models").status_code == 200


def test_foreign_file_in_the_state_folder(checkpoint: Path, tmp_path: Path) -> None:
    """What is not this server's database is left alone and named."""
    (tmp_path / "state.sqlite").write_text("not a database, " * 100)
    ended = launch(checkpoint, tmp_path)
    assert ended.returncode == 4
    assert "not a database" in ended.stderr
    assert (tmp_path / "state.sqlite").read_text().startswith("not a database, ")


def test_ends_with_its_parent(checkpoint: Path, tmp_path: Path) -> None:
    """With --exit-with-parent the end of stdin ends the server, with exit code 0."""
    with running(checkpoint, tmp_path) as server:
        assert server.process.stdin is not None
        server.process.stdin.close()
        assert server.process.wait(60) == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_ends_on_a_signal(checkpoint: Path, tmp_path: Path, how: signal.Signals) -> None:
    """SIGTERM and Ctrl-C end it at once with exit code 0, even while an answer is under way."""
    with running(checkpoint, tmp_path) as server:
        with server.client().chat.completions.create(
            model="evalkit-tiny", messages=[{"role": "user", "content": "x"}], max_tokens=900, stream=True
        ) as stream:
            next(iter(stream))
            server.process.send_signal(how)
            with contextlib.suppress(Exception):  # the stream may break off; the exit code is what counts
                list(stream)
        assert server.process.wait(60) == 0


def test_ready_line_is_all_of_stdout(checkpoint: Path, tmp_path: Path) -> None:
    """A parent that reads one line has read everything."""
    with running(checkpoint, tmp_path) as server:
        server.send("POST", "/chat/completions", json=HELLO)
        server.process.terminate()
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""


def test_answers_are_json_in_ascii(server: Server) -> None:
    """Bodies are pure ASCII with escapes: valid UTF-8 whatever a client or a model wrote."""
    answer = server.send(
        "POST", "/completions", json={"model": "evalkit-tiny", "prompt": "ü😀", "echo": True}
    )
    assert answer.content.isascii()
    assert json.loads(answer.content)["choices"][0]["text"].startswith("ü😀")
