"""Episodes as token rows of one length, several episodes in a row, each text in it only once.

An episode becomes one segment: its system text, then all its turns side by side. A turn sees the
system text and itself, and its positions go on from the system text's end, so that each turn is
what it would be alone. One pass over the system text then serves all its answers. What the users'
texts begin with, where they begin alike, counts as the system text's end.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import tiktoken
from numpy.typing import NDArray

from evalkit.local.corpus.episode import Episode, Turn

OPEN_ROWS = 48  # rows that wait for a segment that fits; more fill better, and mix later
PROMPT_SHARE = 0.1  # of the tokens of system and user texts, drawn anew for each episode, so many
PROMPT_WEIGHT = 0.6  # are learned with this weight (an answer's tokens: 1 or more): 0.06 on average
SHORTEST = 8  # a shorter answer weighs as much as one of so many tokens, or labels would be drowned


@dataclass(frozen=True, slots=True)
class Piece:
    """Tokens and how much each counts as a prediction (0 = only read)."""

    ids: list[int]
    weights: list[float]

    def __len__(self) -> int:
        return len(self.ids)

    def __add__(self, other: Piece) -> Piece:
        return Piece(self.ids + other.ids, self.weights + other.weights)


@dataclass(frozen=True, slots=True)
class Segment:
    """A system text and turns that share it, as tokens."""

    system: Piece
    turns: tuple[Piece, ...]

    def __len__(self) -> int:
        return len(self.system) + sum(map(len, self.turns))


@dataclass(frozen=True, slots=True)
class Rows:
    """B rows of T tokens, places counted through all rows (row r begins at r * T).

    ids, positions: (B, T) int64.
    pieces: (B * T // 8, 4) int64, (shared, shared_end, own, own_end) of each system text and turn:
        token i of own..own_end sees the tokens shared..shared_end, its document's system text, and
        own..i. A system text shares nothing. The rows left over are empty pieces.
    weight: (B, T) float32, of predicting this token from those it sees; 0 for what opens a
        piece, since the token before it in the row is not the one before it in the text.
    """

    ids: NDArray[np.int64]
    positions: NDArray[np.int64]
    pieces: NDArray[np.int64]
    weight: NDArray[np.float32]


def visible(rows: Rows) -> NDArray[np.bool_]:
    """(B, T, T): whether token i of a row sees token j. Padding sees only itself."""
    count, length = rows.ids.shape
    seen = np.tile(np.eye(length, dtype=np.bool_), (count, 1, 1))
    for piece in rows.pieces[rows.pieces[:, 3] > rows.pieces[:, 2]]:
        row = piece[2] // length
        shared, shared_end, own, own_end = piece - row * length
        seen[row, own:own_end, shared:shared_end] = True
        seen[row, own:own_end, own:own_end] = np.tri(own_end - own, dtype=np.bool_)
    return seen


class Encoder:
    """Episodes -> segments, in the chat template's layout or as plain text."""

    def __init__(self, encoding: tiktoken.Encoding, rng: random.Random) -> None:
        self._plain = encoding.encode_ordinary
        self._rng = rng
        special = encoding._special_tokens
        self._start, self._end, self._stop = (
            special[name] for name in ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
        )
        self._newline = self._plain("\n")

    def segment(self, episode: Episode) -> Segment:
        """The whole episode; `fitted` cuts it to the row's length."""
        if episode.kind == "text":
            system = self._read(self._plain(episode.system))
            return Segment(system, tuple(map(self._text_turn, episode.turns)))
        system = self._told("system", episode.system) if episode.system else Piece([], [])
        if episode.shared:
            opened = self._header("user") + self._read(self._plain(episode.shared))
            return Segment(system + opened, tuple(map(self._rest, episode.turns)))
        return Segment(system, tuple(self._header("user") + self._rest(turn) for turn in episode.turns))

    def _header(self, role: str) -> Piece:
        ids = [self._start, *self._plain(role + "\n")]
        return Piece(ids, [0.0] * len(ids))

    def _told(self, role: str, text: str) -> Piece:
        return self._header(role) + self._ended(text)

    def _ended(self, text: str) -> Piece:
        return self._read([*self._plain(text), self._end]) + self._gap()

    def _rest(self, turn: Turn) -> Piece:
        """A turn without what opens the user's text."""
        rest = self._ended(turn.user)
        for role, text in turn.steps:
            rest += self._said(text) + self._gap() if role == "assistant" else self._told(role, text)
        return rest + self._said(turn.answer)

    def _said(self, answer: str) -> Piece:
        ids = [*self._plain(answer), self._end]
        return self._header("assistant") + Piece(ids, _weights(ids))

    def _gap(self) -> Piece:
        return Piece(self._newline, [0.0] * len(self._newline))

    def _text_turn(self, turn: Turn) -> Piece:
        asked = self._read(self._plain(turn.user))
        answer = [*self._plain(turn.answer), self._stop]
        return Piece(asked.ids + answer, [*asked.weights, *_weights(answer)])

    def _read(self, ids: list[int]) -> Piece:
        """A text that is given at inference; a little of it is learned all the same."""
        draw = self._rng.random
        return Piece(ids, [PROMPT_WEIGHT if draw() < PROMPT_SHARE else 0.0 for _ in ids])


def _weights(answer: Sequence[int]) -> list[float]:
    return [max(1.0, SHORTEST / len(answer))] * len(answer)


def fitted(segment: Segment, length: int) -> Iterator[Segment]:
    """The segment in parts of at most `length` tokens; a turn that fits into none is left out."""
    turns: list[Piece] = []
    used = len(segment.system)
    for turn in segment.turns:
        if len(segment.system) + len(turn) > length:
            continue
        if used + len(turn) > length:
            yield Segment(segment.system, tuple(turns))
            turns, used = [], len(segment.system)
        turns.append(turn)
        used += len(turn)
    if turns:
        yield Segment(segment.system, tuple(turns))


def packed(segments: Iterable[Segment], length: int) -> Iterator[list[Segment]]:
    """Rows of at most `length` tokens: each segment goes where it leaves the least room (best fit)."""
    rows: list[list[Segment]] = []
    room: list[int] = []
    for segment in segments:
        size = len(segment)
        fits = [row for row, free in enumerate(room) if free >= size]
        if fits:
            best = min(fits, key=room.__getitem__)
            rows[best].append(segment)
            room[best] -= size
            continue
        if len(rows) == OPEN_ROWS:
            fullest = min(range(OPEN_ROWS), key=room.__getitem__)
            room.pop(fullest)
            yield rows.pop(fullest)
        rows.append([segment])
        room.append(length - size)
    yield from rows


def to_arrays(rows: Sequence[Sequence[Segment]], length: int) -> Rows:
    """The arrays of some rows, padded to `length`."""
    shape = (len(rows), length)
    arrays = Rows(
        np.zeros(shape, np.int64),
        np.zeros(shape, np.int64),
        np.full((len(rows) * length // 8, 4), len(rows) * length, np.int64),
        np.zeros(shape, np.float32),
    )
    pieces: list[tuple[int, int, int, int]] = []
    for row, segments in enumerate(rows):
        at = row * length
        for segment in segments:
            pieces += _lay_down(segment, at, arrays)
            at += len(segment)
    arrays.pieces[: len(pieces)] = pieces
    return arrays


def _lay_down(segment: Segment, at: int, arrays: Rows) -> Iterator[tuple[int, int, int, int]]:
    """Write the segment from place `at` on; its pieces."""
    ids, positions, weight = (a.reshape(-1) for a in (arrays.ids, arrays.positions, arrays.weight))
    shared, shared_end = at, at + len(segment.system)
    for piece in (segment.system, *segment.turns):
        if not piece.ids:  # no system text
            continue
        end = at + len(piece)
        ids[at:end], weight[at:end], weight[at] = piece.ids, piece.weights, 0.0
        after = min(at, shared_end) - shared  # 0 for the system text itself
        positions[at:end] = np.arange(after, after + len(piece))
        yield shared, shared + after, at, end
        at = end


def batches(corpus: Iterable[Episode], encoder: Encoder, *, rows: int, length: int) -> Iterator[Rows]:
    """Batches of `rows` rows of `length` tokens, as long as the corpus lasts."""
    segments = (part for episode in corpus for part in fitted(encoder.segment(episode), length))
    pending: list[list[Segment]] = []
    for row in packed(segments, length):
        pending.append(row)
        if len(pending) == rows:
            yield to_arrays(pending, length)
            pending = []
