"""The embedded server as a child process."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from evalkit.cli.embedded import LOG, ServerDied, ServerRefused, embedded_server
from evalkit.errors import StorageError, UsageError

CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


def answers(base_url: str) -> bool:
    """Whether a server listens there."""
    try:
        with urllib.request.urlopen(f"{base_url}/models", timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def test_it_runs_as_long_as_the_block(tmp_path: Path) -> None:
    """Inside the block the server answers; behind it, even after an exception, it is gone."""
    seen = []

    def fail_while_it_runs() -> None:
        with embedded_server(tmp_path / "state") as base_url:
            seen.append((base_url, answers(base_url)))
            raise RuntimeError("inside")

    with pytest.raises(RuntimeError, match="inside"):
        fail_while_it_runs()
    ((base_url, answered),) = seen
    assert answered
    assert not answers(base_url)


def test_it_asks_for_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that is meant for `evalkit serve` does not lock evalkit out of its own server."""
    monkeypatch.setenv("EVALKIT_API_KEY", "of-another-server")
    with embedded_server(tmp_path / "state") as base_url:
        assert answers(base_url)


def test_it_does_not_outlive_a_killed_parent(tmp_path: Path) -> None:
    """SIGKILL leaves evalkit no time to stop its server: it ends by itself."""
    code = (
        "import sys, time, pathlib\n"
        "from evalkit.cli.embedded import embedded_server\n"
        f"with embedded_server(pathlib.Path({str(tmp_path)!r})) as url:\n"
        "    print(url, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        base_url = parent.stdout.readline().strip()
        assert answers(base_url)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
        deadline = time.monotonic() + 10
        while answers(base_url) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not answers(base_url)


def test_a_server_that_dies_says_why(tmp_path: Path) -> None:
    """Its own last words are the message, with the log to look into."""
    with (
        pytest.raises(ServerDied, match=rf"--no-such-flag.*{LOG}"),
        embedded_server(tmp_path, ["--no-such-flag"]),
    ):
        pass


def test_a_full_disk_is_told_though_the_log_is_empty(tmp_path: Path) -> None:
    """What the server could not even write down is the user's to mend: exit code 4, with the place."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, unlimited[1]))  # the server inherits it: no file may grow
    try:
        with (
            pytest.raises(StorageError, match=rf"{LOG}: .* could not write there: free space"),
            embedded_server(tmp_path),
        ):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)


def test_a_full_disk_explains_what_failed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of the run, whatever it seems to be, is the disk's where nothing is left on it."""

    def fail_on_a_full_disk() -> None:
        full = shutil.disk_usage(tmp_path)._replace(free=0)
        with embedded_server(tmp_path):
            monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
            raise UsageError("cannot fine-tune: Connection error")

    with pytest.raises(StorageError, match=f"{tmp_path}: its disk is full: free space"):
        fail_on_a_full_disk()


@pytest.mark.skipif(not CHILDREN.exists(), reason="finds the server's process in /proc")
def test_a_server_that_ends_while_it_is_needed_says_why(tmp_path: Path) -> None:
    """The run's own fault comes first, then that the server was gone, and its log."""

    def fail_without_a_server() -> None:
        others = set(CHILDREN.read_text().split())
        with embedded_server(tmp_path) as base_url:
            (server,) = set(CHILDREN.read_text().split()) - others
            os.kill(int(server), signal.SIGKILL)
            while answers(base_url):
                time.sleep(0.05)
            raise UsageError("cannot fine-tune: Connection error")

    with pytest.raises(ServerDied, match=f"Connection error; the embedded server had ended: .*{LOG}"):
        fail_without_a_server()


def test_a_state_folder_in_use_is_the_user_s_to_mend(tmp_path: Path) -> None:
    """While another run's server has the folder: exit code 4, with the folder and what to do."""
    with (
        embedded_server(tmp_path),
        pytest.raises(ServerRefused, match="another server is using this state folder") as raised,
        embedded_server(tmp_path),
    ):
        pass
    assert raised.value.exit_code == 4


def test_a_state_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A file where the folder should be, or a read-only place, is said."""
    (tmp_path / "state").write_text("in the way")
    with pytest.raises(StorageError, match="state: cannot be written"), embedded_server(tmp_path / "state"):
        pass
