"""The process that trains one model in numpy; see session.py for what it reads and writes.

python -m evalkit.local.jobs.worker
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalkit.errors import InputError
from evalkit.local.chat_template import ChatTemplate
from evalkit.local.engine.adapter import Adapter, save_adapter
from evalkit.local.engine.dpo import Preference, Preferring
from evalkit.local.engine.kept import keep_snapshot, kept_snapshot
from evalkit.local.engine.objective import Imitation, Objective, full_score, score
from evalkit.local.engine.packing import Example
from evalkit.local.engine.train import Hyper, Training, TrainingDiverged
from evalkit.local.engine.weights import load_model
from evalkit.local.jobs.lessons import preferences, texts
from evalkit.local.jobs.order import Order
from evalkit.local.jobs.session import Figures, TrainingFailed, work
from evalkit.local.tokenizer import load_encoding

PEAK_RATE = 3e-3  # what a learning_rate_multiplier of 1 stands for
VALIDATED_EVERY = 10  # steps, beside the ends of epochs


class NumpySession:
    """A `Session` of the numpy engine."""

    def __init__(self, order: Order):
        weights = Path(order.weights)
        self._order, self._model = order, load_model(weights)
        self._template = ChatTemplate(load_encoding(weights))
        self._objective, self._tokens = self._read(order.training_file)
        self._held_out = self._read(order.validation_file)[0] if order.validation_file else None
        self._training = Training(self._model, self._objective, _hyper(order))
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
            found = score(self._training.model(), self._held_out, self._sample(report.step))
            figures |= {"valid_loss": found.loss, "valid_mean_token_accuracy": found.accuracy}
        return figures

    def validate(self) -> Figures:
        """See `Session`."""
        if not self._held_out:
            return {}
        found = full_score(self._training.model(), self._held_out, self._order.batch_size)
        return {"full_valid_loss": found.loss, "full_valid_mean_token_accuracy": found.accuracy}

    def save(self, folder: Path) -> None:
        """See `Session`."""
        adapter = self._training.result()
        assert isinstance(adapter, Adapter)
        save_adapter(adapter, folder)

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
        path, longest = Path(file), self._order.longest
        if self._order.method == "dpo":
            pairs = [
                Preference(Example(*better), Example(*worse))
                for better, worse in preferences(path, self._template, longest)
            ]
            tokens = sum(len(pair.better.ids) + len(pair.worse.ids) for pair in pairs)
            return Preferring(pairs, self._model, self._order.beta or 0.0), tokens
        examples = [Example(*lesson) for lesson in texts(path, self._template, longest)]
        return Imitation(examples, self._model.config), sum(len(example.ids) for example in examples)


def _hyper(order: Order) -> Hyper:
    return Hyper(
        epochs=order.n_epochs,
        batch_size=order.batch_size,
        learning_rate=PEAK_RATE * order.learning_rate_multiplier,
        seed=order.seed,
    )


if __name__ == "__main__":
    sys.exit(work(NumpySession))
