"""Direct preference optimisation (Rafailov et al. 2023): a better answer gains on a worse one.

    loss = -log sigmoid(beta * ((log p(better) - log p(worse)) - (log q(better) - log q(worse))))

where p is the model in training, q the frozen base, and log p(answer) the sum over the answer's tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalkit.local.engine.backward import Loss, Score
from evalkit.local.engine.objective import Predict, Sizes
from evalkit.local.engine.packing import Batch, Example, check_examples, pack
from evalkit.local.engine.weights import Array

PAIRS_AT_ONCE = 8  # when the base is asked


@dataclass(frozen=True, slots=True)
class Preference:
    """Two answers to one prompt, each with the prompt before it; only the answers' tokens have weights."""

    better: Example
    worse: Example


class Preferring:
    """An `Objective` over pairs of answers.

    Args:
        pairs: to learn from.
        sizes: of the model.
        predict: how the frozen base does; it is asked once, here.
        beta: how dearly it is paid for to leave the base.
        dtype: of the numbers.

    Raises:
        UsageError: an answer cannot be trained on.
    """

    def __init__(
        self,
        pairs: Sequence[Preference],
        sizes: Sizes,
        predict: Predict,
        beta: float,
        dtype: type[np.floating] = np.float32,
    ):
        for side in ([pair.better for pair in pairs], [pair.worse for pair in pairs]):
            check_examples(side, sizes.vocab, sizes.positions)
        self._pairs, self._beta, self._dtype = pairs, beta, dtype
        self._reference = self._leads_under(predict)

    def __len__(self) -> int:
        """See `Objective`."""
        return len(self._pairs)

    def batch(self, chosen: Sequence[int]) -> tuple[Batch, Loss]:
        """See `Objective`: the pairs, better answers and worse ones in turn."""
        batch = self._packed(chosen)
        return batch, DpoLoss(batch.owners(), self._reference[list(chosen)], self._beta)

    def _packed(self, chosen: Sequence[int]) -> Batch:
        pairs = [self._pairs[index] for index in chosen]
        return pack([example for pair in pairs for example in (pair.better, pair.worse)], self._dtype)

    def _leads_under(self, predict: Predict) -> Array:
        """How much more probable the base finds the better answer: (pairs,), in nats."""
        count = len(self._pairs)
        leads = []
        for start in range(0, count, PAIRS_AT_ONCE):
            batch = self._packed(range(start, min(start + PAIRS_AT_ONCE, count)))
            leads.append(_leads(predict(batch)[0], batch.owners()))
        return np.concatenate(leads)


@dataclass(frozen=True, slots=True, eq=False)
class DpoLoss:
    """A `Loss`: the mean over the pairs of a batch.

    Attributes:
        owners: (predictions,) the answer that each belongs to; pair i has 2 * i (better) and 2 * i + 1.
        reference: (pairs,) the leads under the base.
        beta: see `Preferring`.
    """

    owners: NDArray[np.intp]
    reference: Array
    beta: float

    def __call__(self, surprise: Array, hits: NDArray[np.bool_]) -> tuple[Score, Array]:
        """See `Loss`; accuracy is that of the better answers."""
        margins = self.beta * (_leads(surprise, self.owners) - self.reference)
        loss = np.logaddexp(0, -margins).mean()
        pulls = self.beta * np.exp(-np.logaddexp(0, margins)) / len(margins)  # beta * sigmoid(-margin)
        sides = np.where(
            self.owners % 2 == 0, 1, -1
        )  # the better answer's surprise is to fall, the worse's to rise
        slopes = (sides * pulls[self.owners // 2]).astype(surprise.dtype)
        return Score(float(loss), float(hits[self.owners % 2 == 0].mean())), slopes


def _leads(surprise: Array, owners: NDArray[np.intp]) -> Array:
    """log p(better) - log p(worse) of each pair, from the surprise at each token."""
    sums: Array = np.bincount(owners, weights=surprise).astype(np.float64)
    return sums[1::2] - sums[0::2]
