"""How the server starts and ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.local.serving import HELLO, Server, running


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
    ended = launch(checkpoint, tmp_path, "--port", str(server.port))
    assert ended.returncode == 4
    assert ended.stderr == (
        f"port {server.port} is in use: stop the server that has it, or give --port 0 for a free one\n"
    )
    assert ended.stdout == ""


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--host", "0.0.0.0"), "without a key only loopback is served: set EVALKIT_API_KEY"),
        (("--host", "example.com"), "without a key only loopback is served"),
        (("--host", "192.0.2.1", "--api-key", "x"), "cannot listen at 192.0.2.1"),
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


def test_aliases_name_the_base(checkpoint: Path, tmp_path: Path) -> None:
    """A program that asks for another name is answered by the base, and told so; the list has real names."""
    with running(checkpoint, tmp_path, "--alias", "gpt-4o-mini", "--alias", "gpt-4o") as server:
        for name in ("gpt-4o-mini", "gpt-4o"):
            answer = server.send("POST", "/chat/completions", json={**HELLO, "model": name})
            assert answer.json()["model"] == "evalkit-tiny"
        assert server.refused({**HELLO, "model": "gpt-4"}, status=404)["code"] == "model_not_found"
        assert "gpt-4o" not in [model["id"] for model in server.send("GET", "/models").json()["data"]]


def test_ready_line_is_all_of_stdout(checkpoint: Path, tmp_path: Path) -> None:
    """A parent that reads one line has read everything."""
    with running(checkpoint, tmp_path) as server:
        server.send("POST", "/chat/completions", json=HELLO)
        server.process.terminate()
        assert server.process.stdout is not None
        assert server.process.stdout.read() == ""
