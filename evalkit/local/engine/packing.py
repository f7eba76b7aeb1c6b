"""Training examples -> batches without padding: their tokens side by side, each example a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import UsageError
from evalkit.local.engine.weights import Array


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from.

    Attributes:
        ids: its tokens.
        weights: how much it matters to predict each of them from those before it; 0 = not at all.
            The first one cannot be predicted and is ignored.
    """

    ids: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Several examples as one row of tokens.

    Attributes:
        ids, positions: (tokens,) what is read, and where it stands in its example.
        spans: where each example lies.
        wanted: (predictions,) which tokens have a target.
        targets: (predictions,) the token that should follow each of them.
        weights: (predictions,) their shares in the loss; the sum is 1.
    """

    ids: NDArray[np.intp]
    positions: NDArray[np.intp]
    spans: tuple[slice, ...]
    wanted: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: Array


def check_examples(examples: Sequence[Example], vocab: int, positions: int) -> None:
    """Raise UsageError, with the number of the example (from 1), if one cannot be trained on."""
    if not examples:
        raise UsageError("there are no examples; give at least one")
    for number, example in enumerate(examples, 1):
        if len(example.ids) != len(example.weights):
            what = f"has {len(example.ids)} tokens but {len(example.weights)} weights"
        elif len(example.ids) > positions:
            what = f"has {len(example.ids)} tokens; the model reads {positions}: shorten it"
        elif not all(0 <= token < vocab for token in example.ids):
            what = f"holds a token outside 0 to {vocab - 1}: encode it with the model's own tokenizer"
        elif min(example.weights, default=0) < 0 or not any(example.weights[1:]):
            what = "has no token to learn: give one, not the first, a weight above 0 and none below"
        else:
            continue
        raise UsageError(f"example {number} {what}")


def pack(examples: Sequence[Example], dtype: type[np.floating] = np.float32) -> Batch:
    """Put examples side by side; what stands behind an example's last target is left out."""
    lengths = [int(np.flatnonzero(example.weights)[-1]) for example in examples]  # read up to the last target
    pairs = list(zip(examples, lengths, strict=True))
    ends = accumulate(lengths)
    weights = np.concatenate([example.weights[1 : length + 1] for example, length in pairs])
    targets = np.concatenate([example.ids[1 : length + 1] for example, length in pairs])
    wanted = np.flatnonzero(weights)
    return Batch(
        ids=np.concatenate([example.ids[:length] for example, length in pairs]),
        positions=np.concatenate([np.arange(length) for length in lengths]),
        spans=tuple(slice(end - length, end) for end, length in zip(ends, lengths, strict=True)),
        wanted=wanted,
        targets=targets[wanted],
        weights=(weights[wanted] / weights[wanted].sum()).astype(dtype),
    )
