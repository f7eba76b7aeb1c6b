"""What the server tells a training process to do."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.local.rows import Method


@dataclass(frozen=True, slots=True)
class Order:
    """What to train. Paths as texts, since it travels as JSON.

    Attributes:
        weights: the Hugging Face folder of the base model.
        training_file, validation_file: as uploaded.
        adapter: the folder to be made; checkpoints become `{adapter}-step-{step}`.
        training: a folder of the job's own, for what it needs to go on after a stop.
        longest: tokens of an example that count.
        beta: of DPO; None where it is supervised.
    """

    weights: str
    training_file: str
    validation_file: str | None
    adapter: str
    training: str
    longest: int
    method: Method
    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    beta: float | None
    seed: int
