"""What training makes smaller: how examples become a batch, and what the batch costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.backward import Loss, Score, mean_loss
from evalkit.local.engine.packing import Batch, Example, check_examples, pack
from evalkit.local.engine.weights import Array

Predict = Callable[[Batch], tuple[Array, NDArray[np.bool_]]]
"""How a model predicts the targets of a batch: surprise and hits, see `backward.Loss`."""


class Sizes(Protocol):
    """How many tokens a model knows, and how many it reads."""

    @property
    def vocab(self) -> int: ...
    @property
    def positions(self) -> int: ...


class Objective(Protocol):
    """Examples, and what is to be learned from them."""

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def batch(self, chosen: Sequence[int]) -> tuple[Batch, Loss]:
        """Lay some examples out, with what they cost."""
        ...


class Imitation:
    """Supervised training: the tokens that have a weight are to be predicted.

    Raises:
        UsageError: an example cannot be trained on.
    """

    def __init__(self, examples: Sequence[Example], sizes: Sizes, dtype: type[np.floating] = np.float32):
        check_examples(examples, sizes.vocab, sizes.positions)
        self._examples, self._dtype = examples, dtype

    def __len__(self) -> int:
        """See `Objective`."""
        return len(self._examples)

    def batch(self, chosen: Sequence[int]) -> tuple[Batch, Loss]:
        """See `Objective`."""
        batch = pack([self._examples[index] for index in chosen], self._dtype)
        return batch, mean_loss(batch)


def score(predict: Predict, objective: Objective, chosen: Sequence[int]) -> Score:
    """How some examples are predicted, nothing being learned."""
    batch, loss = objective.batch(chosen)
    return loss(*predict(batch))[0]


def full_score(predict: Predict, objective: Objective, size: int) -> Score:
    """The mean score of all examples, `size` of them at a time."""
    count = len(objective)
    groups = [range(start, min(start + size, count)) for start in range(0, count, size)]
    scores = [score(predict, objective, group) for group in groups]
    shares = [len(group) / count for group in groups]
    return Score(
        loss=sum(share * found.loss for share, found in zip(shares, scores, strict=True)),
        accuracy=sum(share * found.accuracy for share, found in zip(shares, scores, strict=True)),
    )
