"""The load stub: nginx with a fixed answer, started from ../shared/bench/nginx.conf on free ports."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parents[2].parent / "shared" / "bench"
CONF, RAW = BENCH / "nginx.conf", BENCH / "raw.py"
AT_ONCE, LATE = "18080", "18081"
"""The ports that the configuration names: answers at once, and after 50 ms."""

ANSWER = "The capital is Paris, a city on the Seine river in northern France."


@dataclass(frozen=True, slots=True)
class Stub:
    """The ports of a running stub."""

    at_once: int
    late: int


@contextmanager
def stub() -> Iterator[Stub]:
    """Start nginx, and stop it at the end.

    Raises:
        SystemExit: something that is needed is missing; the message says what, and how to get it.
    """
    conf = _configuration()
    ports = Stub(_free_port(), _free_port())
    conf = conf.replace(AT_ONCE, str(ports.at_once)).replace(LATE, str(ports.late))
    with tempfile.TemporaryDirectory(prefix="evalkit-stub-") as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(conf, "utf-8")
        command = [_nginx(), "-p", folder, "-c", str(file)]
        subprocess.run(command, check=True)
        try:
            _wait_for(ports.at_once)
            yield ports
        finally:
            subprocess.run([*command, "-s", "stop"], check=True, capture_output=True)
            _wait_until_gone(Path(folder) / "nginx.pid")


def _configuration() -> str:
    for file in (CONF, RAW):
        if not file.is_file():
            raise SystemExit(
                f"{file} is missing: the benchmark needs the stub and the bare loops beside the checkout"
            )
    conf = CONF.read_text("utf-8")
    module = re.search(r"load_module (\S+);", conf)
    if module and not Path(module[1]).is_file():
        raise SystemExit(f"{module[1]} is missing: apt-get install libnginx-mod-http-echo")
    return conf


def _nginx() -> str:
    found = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if found is None:
        raise SystemExit("nginx is missing: apt-get install nginx-light libnginx-mod-http-echo")
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 5
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _wait_until_gone(pid_file: Path) -> None:
    deadline = time.monotonic() + 5
    while pid_file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
