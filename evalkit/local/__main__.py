"""The embedded OpenAI-compatible server.

    python -m evalkit.local --port 0 --state .evalkit

When it can be asked, it prints one line to stdout: `ready http://127.0.0.1:PORT/v1`. It ends on SIGTERM, on
Ctrl-C, and with --exit-with-parent when its stdin is closed.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import uvicorn

from evalkit.errors import EvalkitError, UsageError
from evalkit.local.app import create_app
from evalkit.local.http.guard import is_loopback
from evalkit.local.services import Services, open_services

HERE = Path(__file__).parent
BACKLOG = 2048  # a short one resets connections when many clients come at once
SWITCH_S = 0.0005  # how long the engine's thread may keep the interpreter from an HTTP answer
GRACE_S = 2  # for answers under way when the server is told to end
KEEP_ALIVE_S = 75  # longer than clients keep idle connections: else they meet closed ones


def main(argv: list[str] | None = None) -> int:
    """Serve until told to end; give the exit code."""
    options = parse(argv)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s"
    )
    signal.signal(signal.SIGTERM, _leave)
    sys.setswitchinterval(SWITCH_S)
    try:
        with bound(options.host, options.port) as listening, services(options) as parts:
            if options.exit_with_parent:
                threading.Thread(target=_end_with_stdin, daemon=True).start()
            serve(listening, parts)
    except EvalkitError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        pass
    return 0


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Read the flags."""
    parser = argparse.ArgumentParser(
        prog="python -m evalkit.local",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="a loopback name or address (default 127.0.0.1)")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--state", type=Path, default=Path(".evalkit"), help="folder of files, jobs and models"
    )
    parser.add_argument(
        "--weights", type=Path, default=HERE / "weights", help="Hugging Face folder of the base"
    )
    parser.add_argument("--exit-with-parent", action="store_true", help="end when stdin is closed")
    return parser.parse_args(argv)


def bound(host: str, port: int) -> socket.socket:
    """Take the port.

    Raises:
        UsageError: the host is no loopback address, or the port cannot be had.
    """
    if not is_loopback(host):
        raise UsageError(f"--host {host}: this server has no keys, so it serves loopback only; use 127.0.0.1")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as fault:
        if fault.errno == errno.EADDRINUSE:
            raise UsageError(
                f"port {port} is in use: stop the server that has it, or give --port 0 for a free one"
            ) from fault
        raise UsageError(
            f"cannot listen at {host}:{port} ({fault}): give another --host or --port"
        ) from fault
    except OverflowError as fault:
        raise UsageError(f"--port {port}: a port is from 0 to 65535") from fault
    # asyncio does this for sockets that it makes itself; else each answer waits 40 ms for an acknowledgement
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@contextlib.contextmanager
def services(options: argparse.Namespace) -> Iterator[Services]:
    """Load the model and open the state folder; let go of both at the end."""
    parts = open_services(options.weights, options.state, judge=HERE / "judge" / "adapter.safetensors")
    try:
        yield parts
    finally:
        parts.engine.close()
        parts.store.close()


def serve(listening: socket.socket, parts: Services) -> None:
    """Answer until told to end."""
    config = uvicorn.Config(
        create_app(parts),
        http="h11",
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )
    _AnnouncedServer(config).run(sockets=[listening])


class _AnnouncedServer(uvicorn.Server):
    """Says when it can be asked, and where."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            print(f"ready http://{f'[{host}]' if ':' in host else host}:{port}/v1", flush=True)


def _leave(*_signal: Any) -> None:
    """End as asked: with exit code 0, and by way of every `finally`."""
    sys.exit(0)


def _end_with_stdin() -> None:
    """Wait for the end of stdin, which comes however the parent dies."""
    while os.read(0, 1024):  # not through sys.stdin: its lock would still be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
