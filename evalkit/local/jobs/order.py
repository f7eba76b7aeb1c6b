"""What the server tells a training process to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Order:
    """What to train. Paths as texts, since it travels as JSON; `longest`: tokens of an example that count."""

    weights: str
    training_file: str
    adapter: str
    longest: int
    n_epochs: int
    batch_size: int
    learning_rate_multiplier: float
    seed: int
