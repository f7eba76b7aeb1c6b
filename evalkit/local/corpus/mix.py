"""The pretraining corpus: an endless, seeded stream of episodes."""

from __future__ import annotations

import random
from collections.abc import Iterator

from evalkit.local.corpus.chat.episodes import chat_episode
from evalkit.local.corpus.chat.translate import translate_episode
from evalkit.local.corpus.episode import Episode
from evalkit.local.corpus.extract.episodes import extract_episode
from evalkit.local.corpus.extract.genders import gender_episode
from evalkit.local.corpus.grading.episodes import graded_episode
from evalkit.local.corpus.labels.episodes import label_episode

SHARES = {
    chat_episode: 0.31,
    extract_episode: 0.39,
    label_episode: 0.13,
    translate_episode: 0.06,
    graded_episode: 0.07,
    gender_episode: 0.04,
}
"""Of the episodes. Extraction's is large: to copy names it never saw is a tiny model's hardest skill."""


def episodes(seed: int) -> Iterator[Episode]:
    """Endless; the same seed gives the same episodes."""
    rng = random.Random(seed)
    makers, shares = tuple(SHARES), tuple(SHARES.values())
    while True:
        yield rng.choices(makers, shares)[0](rng)
