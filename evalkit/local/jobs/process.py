"""Processes beside the server: an order as JSON on stdin, reports as lines of JSON on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator, Mapping
from typing import Any

NICENESS = 10  # answers come before training, and training before nothing at all
LONGEST_REPORT = 1 << 24  # bytes of a line


async def reports(module: str, order: Mapping[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
    """Run a module on an order and give its reports; closing the generator kills the process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, stdin=PIPE, stdout=PIPE, process_group=0, limit=LONGEST_REPORT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")  # stays open: its end would end the process
        async for line in process.stdout:
            yield json.loads(line)
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()


def take_order() -> Any:
    """Called by the process first: read the order; from then on let all others go before, and end when the
    server does, however it ends."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    order = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    return order


def _end_with_stdin() -> None:
    while os.read(0, 1024):  # not through sys.stdin: its lock would still be held when the interpreter ends
        pass
    os._exit(1)


def report(kind: str, **values: Any) -> None:
    """Send one line to the server."""
    print(json.dumps({"kind": kind, **values}), flush=True)
