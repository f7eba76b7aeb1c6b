"""`evalkit serve`: the embedded server in the foreground."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest

from evalkit.cli import main


def test_a_port_in_use_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the port and a way out; exit code 4."""
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 4
    said = capsys.readouterr()
    assert f"port {port} is in use" in said.err
    assert said.out == ""


def test_a_public_address_needs_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without one it is refused, and nothing listens; the message tells where a key comes from."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVALKIT_API_KEY", raising=False)
    assert main(["serve", "--host", "0.0.0.0", "--port", "0"]) == 4
    assert "set EVALKIT_API_KEY, or give --api-key" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--api-key", ""], "a key is one or more ASCII letters, digits and signs, no spaces"),
        (["--api-key", "two words"], "no spaces"),
        (["--rate-limit", "0"], "found '0', write requests a minute"),
        (["--rate-limit", "1,2,3"], "600,100000"),
        (["--port", "-1"], "a port is from 0 to 65535"),
    ],
)
def test_bad_flags(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Each is exit 4 and a line that says what to write; a key is not repeated."""
    assert main(["serve", *flags]) == 4
    said = capsys.readouterr().err
    assert message in said
    assert "words" not in said.replace("--api-key", "")


def test_the_key_of_the_environment_is_asked_for_and_never_shown(tmp_path: Path) -> None:
    """What EVALKIT_API_KEY holds must be shown by every request; nothing that is printed has it."""
    command = [sys.executable, "-m", "evalkit", "serve", "--port", "0", "--state", str(tmp_path)]
    environment = {**os.environ, "EVALKIT_API_KEY": "secret-of-this-test"}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        url = said.split()[1]
        headers: tuple[dict[str, str], ...] = ({}, {"authorization": "Bearer secret-of-this-test"})
        statuses = [httpx2.get(f"{url}/models", headers=header).status_code for header in headers]
        server.send_signal(signal.SIGINT)
        rest = server.communicate(timeout=30)
    assert statuses == [401, 200]
    assert "needs the key" in said
    assert "secret" not in "".join((said, *rest))


def test_ctrl_c_ends_it(tmp_path: Path) -> None:
    """It says where it can be asked, and an interrupt ends it in order."""
    command = [sys.executable, "-m", "evalkit", "serve", "--port", "0", "--state", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        said = server.stdout.readline()
        assert said.startswith("serving http://127.0.0.1:")
        assert said.endswith(f"/v1  (no key; state {tmp_path}; Ctrl-C ends it)\n")
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=30)
    assert server.returncode == 0
    assert "Traceback" not in errors
