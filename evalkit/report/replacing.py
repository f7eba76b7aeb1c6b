"""A file of a report: whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from evalkit.errors import StorageError


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A file to write to, which takes the place of `path` at the end; on any error it is as if never begun.

    Raises:
        StorageError: it cannot be written; what stood there before is untouched.
    """
    try:
        with _beside(path) as file:
            yield file
    except OSError as error:
        reason = error.strerror or str(error)
        remedy = "free or unlock it, or write elsewhere (--out DIR, --junitxml FILE)"
        raise StorageError(f"{path}: cannot be written ({reason}): {remedy}") from error


@contextmanager
def _beside(path: Path) -> Iterator[BinaryIO]:
    """Through a temporary file in the same folder, so that a reader never meets half of it."""
    handle, part = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        Path(part).chmod(0o644)
        Path(part).replace(path)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise
