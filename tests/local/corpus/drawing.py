"""Episodes drawn from a maker of the corpus."""

from __future__ import annotations

import random
from collections.abc import Callable

from evalkit.local.corpus.episode import Episode


def drawn(make: Callable[[random.Random], Episode], count: int, seed: int = 0) -> list[Episode]:
    """The first episodes of a seed."""
    rng = random.Random(seed)
    return [make(rng) for _ in range(count)]
