"""A training's snapshot on disk, to be gone on from when the process has died."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors.numpy import save_file

from evalkit.local.disk import whole_file
from evalkit.local.engine.tensors import read_tensors
from evalkit.local.engine.train import Snapshot

NAME = "state.safetensors"
STEP = "step"


def keep_snapshot(snapshot: Snapshot, folder: Path, notes: Mapping[str, str]) -> None:
    """Write a snapshot, and texts that go with it; what was there before is replaced in one go."""
    with whole_file(folder / NAME) as aside:
        save_file(dict(snapshot.vectors), aside, metadata={**notes, STEP: str(snapshot.step)})


def kept_snapshot(folder: Path) -> tuple[Snapshot, Mapping[str, str]]:
    """Read what `keep_snapshot` wrote.

    Raises:
        FileNotFoundError: nothing was kept.
        InputError: the file is damaged.
        ValueError: it is of something else.
    """
    if not (folder / NAME).exists():
        raise FileNotFoundError(folder / NAME)
    vectors, notes = read_tensors(folder / NAME)
    step = int(notes.pop(STEP, "none"))
    return Snapshot(step, vectors), notes
