"""Files with their contents: written down first, then entered."""

from __future__ import annotations

import asyncio
from typing import IO

from evalkit.local.rows import StoredFile, new_id, now
from evalkit.local.store import Store


async def write_file(
    store: Store, source: IO[bytes], filename: str, purpose: str, *, live_s: int | None = None
) -> StoredFile:
    """Write a file's content down, off the event loop; the caller enters the row with `store.put`.

    Args:
        store: where to.
        source: the content.
        filename: a name, never a path on the server's disk.
        purpose: what it is for.
        live_s: after so many seconds it is deleted; None = never.

    Raises:
        OSError: the disk is full or cannot be written.
    """
    name = new_id("file-")
    size, sha256 = await asyncio.to_thread(store.write_content, name, source)
    created = now()
    return StoredFile(name, created, filename, purpose, size, sha256, live_s and created + live_s)


def drop_expired(store: Store) -> None:
    """Delete the files whose time is over."""
    if over := store.expired(now()):
        drop_files(store, *over)


def drop_files(store: Store, *files: StoredFile) -> None:
    """Delete files; a job or batch under way still reads what it was given."""
    with store.transaction():
        for file in files:
            store.delete(file)
    store.drop_content(*(file.id for file in files))
