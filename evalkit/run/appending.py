"""Files that only grow, line by line, and stay whole but for their last line."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path


class Appending:
    """A file that lines are added to; each batch is with the operating system once `append` returns.

    Nothing is added after a write that failed: behind a torn line it would be damage in the middle of the
    file, where at its end it is only a line that is not there yet.

    Args:
        path: made if it is not there.

    Raises:
        OSError: it cannot be opened or written. So do all methods.
    """

    def __init__(self, path: Path):
        self._file = path.open("ab", buffering=0)
        self._fault: OSError | None = None

    def append(self, lines: Sequence[bytes]) -> None:
        """Add whole lines."""
        if self._fault:
            raise self._fault
        data = b"".join(lines)
        try:
            if self._file.write(data) < len(data):  # a disk that fills up takes a part first
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError as fault:
            self._fault = fault
            raise

    def close(self) -> None:
        """Let go of the file; what was added is safe from a power cut too."""
        with self._file:
            os.fsync(self._file.fileno())
