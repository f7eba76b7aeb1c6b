"""Files that are whole or not there at all, whenever the process or the machine stops."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PART = ".part"  # ends the name of what is not whole yet
CHUNK = 1 << 20  # bytes copied at a time


def copy_whole(source: IO[bytes], place: Path) -> tuple[int, str]:
    """Write a stream to its place.

    Returns:
        Its size in bytes, and its SHA-256 in hex.

    Raises:
        OSError: the disk is full or cannot be written; nothing is left behind.
    """
    digest = hashlib.sha256()
    with whole_file(place) as aside, aside.open("wb") as out:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
            out.write(chunk)
        size = out.tell()
    return size, digest.hexdigest()


@contextlib.contextmanager
def whole_file(place: Path) -> Iterator[Path]:
    """Give a path beside `place` to be written, which replaces `place` when the block has ended."""
    aside = place.with_name(place.name + PART)
    try:
        yield aside
        flush(aside)
        aside.replace(place)
        flush(place.parent)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def whole_folder(place: Path) -> Iterator[Path]:
    """The same for a folder, which must not be there yet."""
    aside = place.with_name(place.name + PART)
    remove(aside)
    aside.mkdir(parents=True)
    yield aside
    for file in aside.iterdir():
        flush(file)
    aside.replace(place)
    flush(place.parent)


def flush(path: Path) -> None:
    """Have the system write a file or folder to the disk; a folder only where the system can."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
