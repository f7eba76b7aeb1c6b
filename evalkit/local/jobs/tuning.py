"""A `Session` for any engine: what the files teach, what is validated when, what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import InputError
from evalkit.local.backend import Template
from evalkit.local.engine.dpo import Preference, Preferring
from evalkit.local.engine.kept import keep_snapshot, kept_snapshot
from evalkit.local.engine.objective import Imitation, Objective, Sizes, full_score, score
from evalkit.local.engine.packing import Batch, Example
from evalkit.local.engine.train import Hyper, Snapshot, StepReport, TrainingDiverged
from evalkit.local.engine.weights import Array
from evalkit.local.jobs.lessons import preferences, texts
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.session import Figures, TrainingFailed

VALIDATED_EVERY = 10  # steps, beside the ends of epochs


class Training(Protocol):
    """An adapter in training; see `engine.train.Training`."""

    @property
    def step(self) -> int: ...

    steps: int
    steps_an_epoch: int

    def advance(self) -> StepReport: ...
    def predict(self, batch: Batch) -> tuple[Array, NDArray[np.bool_]]: ...
    def snapshot(self) -> Snapshot: ...
    def restore(self, snapshot: Snapshot) -> None: ...

    def save(self, folder: Path) -> None:
        """Write the adapter as it stands, in PEFT's layout."""
        ...


class Trainee(Protocol):
    """A base model that can be trained.

    Attributes:
        template: lays examples out.
        sizes: of the model.
        peak_rate: what a learning_rate_multiplier of 1 stands for.
    """

    template: Template
    sizes: Sizes
    peak_rate: float

    def predict(self, batch: Batch) -> tuple[Array, NDArray[np.bool_]]:
        """How the base predicts a batch, asked before any training; see `objective.Predict`."""
        ...

    def training(self, objective: Objective, hyper: Hyper) -> Training:
        """Begin to train an adapter."""
        ...


class Tuning:
    """The session of one order; see `session.Session`."""

    def __init__(self, order: Order, trainee: Trainee):
        self._order, self._trainee = order, trainee
        objective, self._tokens = self._read(order.training_file)
        self._held_out = self._read(order.validation_file)[0] if order.validation_file else None
        self._training = trainee.training(objective, self._hyper())
        self.steps, self.steps_an_epoch = self._training.steps, self._training.steps_an_epoch

    @property
    def step(self) -> int:
        """See `Session`."""
        return self._training.step

    def advance(self) -> Figures:
        """See `Session`."""
        try:
            report = self._training.advance()
        except TrainingDiverged as fault:
            raise TrainingFailed("training_diverged", str(fault), "hyperparameters") from fault
        figures = {"train_loss": report.loss, "train_mean_token_accuracy": report.token_accuracy}
        if self._held_out and (report.step % VALIDATED_EVERY == 0 or report.step % self.steps_an_epoch == 0):
            found = score(self._training.predict, self._held_out, self._sample(report.step))
            figures |= {"valid_loss": found.loss, "valid_mean_token_accuracy": found.accuracy}
        return figures

    def validate(self) -> Figures:
        """See `Session`."""
        if not self._held_out:
            return {}
        found = full_score(self._training.predict, self._held_out, self._order.batch_size)
        return {"full_valid_loss": found.loss, "full_valid_mean_token_accuracy": found.accuracy}

    def save(self, folder: Path) -> None:
        """See `Session`."""
        self._training.save(folder)

    def keep(self, folder: Path, notes: Mapping[str, str]) -> None:
        """See `Session`."""
        keep_snapshot(self._training.snapshot(), folder, notes)

    def take_up(self, folder: Path) -> Mapping[str, str] | None:
        """See `Session`."""
        try:
            snapshot, notes = kept_snapshot(folder)
            self._training.restore(snapshot)
        except (FileNotFoundError, InputError, ValueError):  # nothing was kept, or by another version
            return None
        return notes

    def trained_tokens(self) -> int:
        """See `Session`."""
        return self._order.n_epochs * self._tokens

    def _sample(self, step: int) -> Sequence[int]:
        """As many validation examples as a batch has, others at each step."""
        count, size = len(self._held_out or ()), self._order.batch_size
        return sorted({(step * size + place) % count for place in range(min(size, count))})

    def _read(self, file: str) -> tuple[Objective, int]:
        """What a file teaches, and how many tokens it has."""
        path, longest, template = Path(file), self._order.longest, self._trainee.template
        if self._order.method == "dpo":
            pairs = [
                Preference(Example(*better), Example(*worse))
                for better, worse in preferences(path, template, longest)
            ]
            tokens = sum(len(pair.better.ids) + len(pair.worse.ids) for pair in pairs)
            beta = self._order.beta or 0.0
            return Preferring(pairs, self._trainee.sizes, self._trainee.predict, beta), tokens
        examples = [Example(*lesson) for lesson in texts(path, template, longest)]
        return Imitation(examples, self._trainee.sizes), sum(len(example.ids) for example in examples)

    def _hyper(self) -> Hyper:
        return Hyper(
            epochs=self._order.n_epochs,
            batch_size=self._order.batch_size,
            learning_rate=self._trainee.peak_rate * self._order.learning_rate_multiplier,
            seed=self._order.seed,
        )
