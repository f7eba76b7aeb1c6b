"""Files that only grow."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.run.appending import Appending


@pytest.fixture
def only_ten_bytes() -> Iterator[None]:
    """Files of this process may not grow beyond ten bytes."""
    before, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.usefixtures("only_ten_bytes")
def test_nothing_is_added_behind_a_torn_line(tmp_path: Path) -> None:
    """Even if there is room again: what is torn stays the last line, which readers pass over."""
    file = Appending(tmp_path / "lines")
    file.append([b"first\n"])
    with pytest.raises(OSError, match="No space left"):
        file.append([b"second\n"])
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits[1], limits[1]))
    with pytest.raises(OSError, match="No space left"):
        file.append([b"third\n"])
    file.close()
    assert (tmp_path / "lines").read_bytes() == b"first\nseco"
