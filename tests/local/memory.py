"""How much memory a server holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.local.serving import Server


def resident_mib(server: Server) -> float:
    """Read how much of it is in memory; skips the test where the system does not tell."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of a process is read in /proc")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
