"""What "auto" becomes."""

from __future__ import annotations

import pytest

from evalkit.local.jobs.auto import resolve
from evalkit.local.rows import Hyperparameters


@pytest.mark.parametrize(
    ("examples", "epochs", "batch_size"),
    [(10, 10, 4), (33, 3, 4), (34, 3, 4), (96, 3, 4), (4000, 3, 8), (12_500, 2, 25), (10**6, 1, 256)],
)
def test_epochs_and_batches_follow_the_number_of_examples(
    examples: int, epochs: int, batch_size: int
) -> None:
    """Few examples are seen more often, many less; what was chosen stays."""
    resolved = resolve(Hyperparameters(), "supervised", examples)
    assert (resolved.n_epochs, resolved.batch_size) == (epochs, batch_size)
    assert (resolved.learning_rate_multiplier, resolved.beta) == (1.0, None)
    chosen = Hyperparameters(n_epochs=7, batch_size=5, learning_rate_multiplier=0.25)
    assert resolve(chosen, "supervised", examples) == chosen


def test_dpo_has_a_beta() -> None:
    """0.1, unless another is chosen; a supervised job has none."""
    assert resolve(Hyperparameters(), "dpo", 50).beta == 0.1
    assert resolve(Hyperparameters(beta=0.5), "dpo", 50).beta == 0.5
