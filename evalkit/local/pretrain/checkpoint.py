"""What a training needs to go on: weights, optimizers, loss scale, and how far it came."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

FILE = "checkpoint.pt"


@dataclass(slots=True)
class Progress:
    """How far a training has come.

    tokens: read so far, padding included. steps: updates so far.
    starts: how often it was started; each start reads a stream of the corpus of its own, so that a
    changed corpus needs no replay and nothing is read twice.
    """

    tokens: int = 0
    steps: int = 0
    starts: int = 0


def save_checkpoint(folder: Path, progress: Progress, state: dict[str, Any]) -> None:
    """Write the checkpoint whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / (FILE + ".part")
    torch.save({"progress": asdict(progress), **state}, part)
    part.replace(folder / FILE)


def load_checkpoint(folder: Path, device: str = "cpu") -> tuple[Progress, dict[str, Any]]:
    """The progress and the state. Raises FileNotFoundError where there is none."""
    state: dict[str, Any] = torch.load(folder / FILE, map_location=device, weights_only=True)
    return Progress(**state.pop("progress")), state
