"""The process that trains an adapter of a folder's model; see jobs/session.py for what it reads and writes.

python -m evalkit.local.hf.worker
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from evalkit.local.backend import Template
from evalkit.local.engine.objective import Objective, Sizes
from evalkit.local.engine.train import Hyper
from evalkit.local.hf.backend import template_of
from evalkit.local.hf.checkpoint import load_checkpoint
from evalkit.local.hf.renderer import Renderer
from evalkit.local.hf.train import HfTraining, predict
from evalkit.local.jobs.session import work
from evalkit.local.jobs.tuning import Tuning

RATE, WIDTH = 2e-4, 4096  # usual for a LoRA of models of this width
POWER = 0.88  # narrower ones take more: so much that the embedded model's 192 gets the 3e-3 that suit it


class HfTrainee:
    """A `Trainee` of torch."""

    def __init__(self, folder: Path):
        self._checkpoint = load_checkpoint(folder)
        self.template: Template = template_of(self._checkpoint, Renderer(folder))
        self.sizes: Sizes = self._checkpoint
        self.predict = partial(predict, self._checkpoint.model)
        self.peak_rate = RATE * (WIDTH / self._checkpoint.width) ** POWER

    def training(self, objective: Objective, hyper: Hyper) -> HfTraining:
        """See `Trainee`."""
        return HfTraining(self._checkpoint.model, objective, hyper)


if __name__ == "__main__":
    sys.exit(work(lambda order: Tuning(order, HfTrainee(Path(order.weights)))))
