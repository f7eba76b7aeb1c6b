"""What the tests of packing share: the shipped encoding, and a conversation alone in a row."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import evalkit.local
from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.pretrain.pack import Encoder, Rows, to_arrays
from evalkit.local.tokenizer import load_encoding

WEIGHTS = Path(evalkit.local.__file__).parent / "weights"
ENCODING = load_encoding(WEIGHTS)

EPISODES = (
    Episode("Answer with one word.", (Turn("What is the capital of Peru?", "Lima"), Turn("2 + 2?", "4"))),
    Episode("", (Turn("Hi", "Hello!"), Turn("Wer bist du?", "Ein kleines Modell."), Turn("ok", "ok"))),
    Episode(
        "Label it.\n", (Turn("Text: it broke\nLabel:", " bug"), Turn("Text: hm\nLabel:", " other")), "text"
    ),
    Episode("Be brief.", (Turn("Where?", "Lima"), Turn("When?", "at 7")), shared="[1] Lima, at 7.\n\n"),
    Episode("Call.", (Turn("Warm?", "It is 9.", (("assistant", "read()"), ("tool", "9"))), Turn("Hi", "Hi"))),
)


def encoder() -> Encoder:
    """An encoder for the shipped vocabulary."""
    return Encoder(ENCODING, random.Random(0))


def one_row(*episodes: Episode, length: int) -> Rows:
    """The episodes packed together in one row."""
    segments = [encoder().segment(episode) for episode in episodes]
    return to_arrays([segments], length)


def alone(episode: Episode, turn: Turn) -> Episode:
    """The conversation of this turn and no other."""
    return replace(episode, turns=(turn,))
