"""The server as a whole: a socket, what answers, and HTTP between them."""

from __future__ import annotations

import contextlib
import errno
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn

from evalkit.errors import UsageError
from evalkit.local.app import create_app
from evalkit.local.http.access import Access, is_loopback
from evalkit.local.http.patience import PatientProtocol
from evalkit.local.options import Options
from evalkit.local.services import Services, open_services

BACKLOG = 2048  # a short one resets connections when many clients come at once
SWITCH_S = 0.0005  # how long the engine's thread may keep the interpreter from an HTTP answer
GRACE_S = 2  # for answers under way when the server is told to end
KEEP_ALIVE_S = 75  # longer than clients keep idle connections: else they meet closed ones


def serve(options: Options, announce: Callable[[str], None]) -> None:
    """Serve until SIGTERM or Ctrl-C.

    Args:
        options: what to serve, and where.
        announce: is called with the base URL once it can be asked.

    Raises:
        UsageError: an option cannot be used.
    """
    signal.signal(signal.SIGTERM, _leave)
    sys.setswitchinterval(SWITCH_S)
    with (
        contextlib.suppress(KeyboardInterrupt),
        bound(options) as listening,
        _services(options) as services,
    ):
        _AnnouncedServer(_config(options, services), announce).run(sockets=[listening])


def bound(options: Options) -> socket.socket:
    """Take the port.

    Raises:
        UsageError: the host is public and there is no key, or the port cannot be had.
    """
    host, port = options.host, options.port
    if options.key is None and not is_loopback(host):
        raise UsageError(
            f"--host {host}: without a key only loopback is served: set EVALKIT_API_KEY, "
            "or give --api-key, or use 127.0.0.1"
        )
    if not 0 <= port <= 65535:
        raise UsageError(f"--port {port}: a port is from 0 to 65535")
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
    # asyncio does this for sockets that it makes itself; else each answer waits 40 ms for an acknowledgement
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening


@contextlib.contextmanager
def _services(options: Options) -> Iterator[Services]:
    """Load the model and open the state folder; let go of both at the end."""
    parts = open_services(options)
    try:
        yield parts
    finally:
        parts.close()


def _config(options: Options, services: Services) -> uvicorn.Config:
    return uvicorn.Config(
        create_app(services, Access(options.host, options.key), options.rates),
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        access_log=False,
        log_config=None,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
    )


class _AnnouncedServer(uvicorn.Server):
    """Says when it can be asked, and where."""

    def __init__(self, config: uvicorn.Config, announce: Callable[[str], None]):
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listening in sockets or ():
            host, port = listening.getsockname()[:2]
            self._announce(f"http://{f'[{host}]' if ':' in host else host}:{port}/v1")


def _leave(*_signal: Any) -> None:
    """End as asked: with exit code 0, and by way of every `finally`."""
    sys.exit(0)
