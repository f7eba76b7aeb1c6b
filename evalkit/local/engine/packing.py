"""Training examples -> batches without padding: their tokens side by side, each example a span.

What all examples of a batch begin with, the same tools or the same prompt, is laid down once, before
them: what is read there is the same for all, so the loss is the same too, and its gradients add up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from evalkit.errors import UsageError
from evalkit.local.engine.weights import Array

LEAST_SHARED = 16  # tokens; for fewer, a batch of its own shape does not pay

Pieces = tuple[tuple[slice, slice | NDArray[np.intp]], ...]
"""Places of a row, and the places that they look at, of which they are the last."""


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
        shared: the first so many tokens are those that every example begins with.
        spans: where the rest of each example lies.
        wanted: (predictions,) which tokens have a target.
        targets: (predictions,) the token that should follow each of them.
        weights: (predictions,) their shares in the loss; the sum is 1.
    """

    ids: NDArray[np.intp]
    positions: NDArray[np.intp]
    shared: int
    spans: tuple[slice, ...]
    wanted: NDArray[np.intp]
    targets: NDArray[np.intp]
    weights: Array

    def owners(self) -> NDArray[np.intp]:
        """Which example each prediction belongs to: (predictions,)."""
        return np.searchsorted([span.stop for span in self.spans], self.wanted, side="right")

    def pieces(self) -> Pieces:
        """Each span with what it looks at; what is shared is a piece of its own."""
        if not self.shared:
            return tuple((span, span) for span in self.spans)
        shared = slice(0, self.shared)
        places = np.arange(len(self.ids))
        examples = ((span, np.concatenate((places[shared], places[span]))) for span in self.spans)
        return ((shared, shared), *examples)


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
    shared = _shared(examples)
    pairs = list(zip(examples, lengths, strict=True))
    ends = list(accumulate((length - shared for length in lengths), initial=shared))
    read = np.concatenate([examples[0].ids[:shared], *(each.ids[shared:length] for each, length in pairs)])
    weights = np.concatenate([each.weights[shared + 1 : length + 1] for each, length in pairs])
    targets = np.concatenate([each.ids[shared + 1 : length + 1] for each, length in pairs])
    wanted = np.flatnonzero(weights)
    return Batch(
        ids=read.astype(np.intp),
        positions=np.concatenate([np.arange(shared), *(np.arange(shared, length) for length in lengths)]),
        shared=shared,
        spans=tuple(slice(start, end) for start, end in pairwise(ends)),
        wanted=shared + wanted,
        targets=targets[wanted],
        weights=(weights[wanted] / weights[wanted].sum()).astype(dtype),
    )


def _shared(examples: Sequence[Example]) -> int:
    """How many tokens all examples begin with, none of which predicts a target; 0 where that is few."""
    if len(examples) == 1:
        return 0
    most = min(int(np.flatnonzero(example.weights[1:])[0]) for example in examples)
    texts = np.array([example.ids[:most] for example in examples])
    differing = np.flatnonzero((texts != texts[0]).any(axis=0))
    shared = int(differing[0]) if len(differing) else most
    return shared if shared >= LEAST_SHARED else 0
