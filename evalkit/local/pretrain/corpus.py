"""The pretraining corpus: an endless, seeded stream of episodes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from evalkit.local.pretrain.chat import chat_episode
from evalkit.local.pretrain.episode import Episode
from evalkit.local.pretrain.extract import extract_episode
from evalkit.local.pretrain.labels import label_episode

# Extraction has a large share: to copy names it never saw is the hardest skill for a tiny model.
_MIX = ((0.45, chat_episode), (0.85, extract_episode), (1.0, label_episode))


def episodes(seed: int) -> Iterator[Episode]:
    """Endless; the same seed gives the same episodes."""
    rng = random.Random(seed)
    while True:
        drawn = rng.random()
        make = next(make for below, make in _MIX if drawn < below)
        yield make(rng)
