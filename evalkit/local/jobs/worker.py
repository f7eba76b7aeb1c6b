"""The process that trains one model in numpy; see session.py for what it reads and writes.

python -m evalkit.local.jobs.worker
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from evalkit.local.backend import Template
from evalkit.local.chat_template import ChatTemplate
from evalkit.local.engine.adapter import Adapter, save_adapter
from evalkit.local.engine.backward import predictions
from evalkit.local.engine.objective import Objective, Sizes
from evalkit.local.engine.packing import Batch
from evalkit.local.engine.train import Hyper, Training
from evalkit.local.engine.weights import Array, load_model
from evalkit.local.jobs.session import work
from evalkit.local.jobs.tuning import Tuning
from evalkit.local.tokenizer import load_encoding


class NumpyTrainee:
    """A `Trainee` of the numpy engine."""

    peak_rate = 3e-3

    def __init__(self, weights: Path):
        self._model = load_model(weights)
        self.template: Template = ChatTemplate(load_encoding(weights))
        self.sizes: Sizes = self._model.config

    def predict(self, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
        """See `Trainee`."""
        return predictions(self._model, batch)

    def training(self, objective: Objective, hyper: Hyper) -> NumpyTraining:
        """See `Trainee`."""
        return NumpyTraining(self._model, objective, hyper)


class NumpyTraining(Training):
    """A training whose adapter can be written down."""

    def save(self, folder: Path) -> None:
        """See `tuning.Training`."""
        adapter = self.result()
        assert isinstance(adapter, Adapter)
        save_adapter(adapter, folder)


if __name__ == "__main__":
    sys.exit(work(lambda order: Tuning(order, NumpyTrainee(Path(order.weights)))))
