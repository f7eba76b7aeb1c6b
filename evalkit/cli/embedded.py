"""The embedded server as a child process: started when a run needs it, stopped whatever happens."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evalkit.config import LOCAL, Config
from evalkit.errors import EvalkitError, StorageError, UsageError

LOG = "server.log"
PATIENCE_S = 10
GRACE_S = 0.5
LEAST_BYTES = 64 * 1024  # free on the disk: the server cannot do any work with less


class ServerDied(EvalkitError):
    """The embedded server ended before it could be asked."""


class ServerRefused(UsageError):
    """The embedded server could not use what it was given; `state`, say, is another server's or full."""


@contextmanager
def embedded_server(state: Path, extra: Sequence[str] = ()) -> Iterator[str]:
    """Run `python -m evalkit.local` on a free loopback port; give its base URL.

    It has a session of its own, so that Ctrl-C reaches evalkit alone, which then ends it; and it ends by
    itself when its stdin closes, so that not even a killed evalkit leaves it behind.

    Args:
        state: the folder of its files, jobs and models, and of its log.
        extra: further flags of `python -m evalkit.local`.

    Raises:
        ServerDied, ServerRefused: it ended at once, or while it was needed; the message is its own.
        StorageError: `state` cannot be written, or its disk is full.
    """
    command = [
        sys.executable,
        "-m",
        "evalkit.local",
        "--port",
        "0",
        "--exit-with-parent",
        "--state",
        str(state),
    ]
    log = _log(state)
    pipe = subprocess.PIPE
    with log.open("wb") as errors:
        server = subprocess.Popen(
            [*command, *extra], stdin=pipe, stdout=pipe, stderr=errors, text=True, start_new_session=True
        )
    try:
        url = _address(server, log)
        with _explained(server, log):
            yield url
    finally:
        _stop(server)


@contextmanager
def reachable(config: Config, state: Path, *, needed: bool) -> Iterator[Config]:
    """The configuration, with the embedded server running where it is needed and not configured elsewhere."""
    if needed and config.endpoints[LOCAL].base_url is None:
        with embedded_server(state) as url:
            yield config.with_local(url)
    else:
        yield config


def _log(state: Path) -> Path:
    try:
        state.mkdir(parents=True, exist_ok=True)
        (state / LOG).touch()
    except OSError as error:
        raise StorageError(f"{state}: cannot be written ({error.strerror}): make it writable") from error
    return state / LOG


def _address(server: subprocess.Popen[str], log: Path) -> str:
    """Wait for the one line that the server prints when it can be asked."""
    assert server.stdout is not None
    word, _, url = server.stdout.readline().strip().partition(" ")
    if word != "ready":
        last, code = _last_words(log), server.wait()
        if code > 0 and not last:  # it ended by itself, and what it had to say could not be written
            raise StorageError(f"{log}: the embedded server could not write there: free space on that disk")
        died = ServerRefused if code == UsageError.exit_code else ServerDied
        raise died(f"the embedded server did not start: {last or 'no reason given'} (see {log})")
    return url


@contextmanager
def _explained(server: subprocess.Popen[str], log: Path) -> Iterator[None]:
    """Tell what lies behind a fault of the run, where that is the server's end."""
    try:
        yield
    except EvalkitError as fault:
        if shutil.disk_usage(log.parent).free < LEAST_BYTES:
            raise StorageError(f"{log.parent}: its disk is full: free space there, and run again") from fault
        if _has_ended(server):
            told = _last_words(log) or "no reason given"
            raise ServerDied(f"{fault}; the embedded server had ended: {told} (see {log})") from fault
        raise


def _has_ended(server: subprocess.Popen[str]) -> bool:
    """Its sockets close a moment before it is gone."""
    try:
        server.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_words(log: Path) -> str:
    return log.read_text("utf-8", "replace").strip().rpartition("\n")[2]


def _stop(server: subprocess.Popen[str]) -> None:
    server.terminate()
    try:
        server.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.communicate()
