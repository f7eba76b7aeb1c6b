"""Packing lays turns side by side, and none may notice its neighbours."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.pretrain.pack import Piece, Rows, Segment, batches, fitted, packed, visible
from tests.local.pretrain.packing import ENCODING, EPISODES, alone, encoder, one_row

LENGTH = 256


def turns_of(episodes: tuple[Episode, ...]) -> Iterator[tuple[int, Rows]]:
    """The place in the packed row where each turn ends, and the row of that conversation alone."""
    rows = one_row(*episodes, length=LENGTH)
    ends = iter(rows.pieces[:, 3])
    for episode in episodes:
        if episode.system or episode.shared:
            next(ends)
        for turn in episode.turns:
            yield int(next(ends)), one_row(alone(episode, turn), length=LENGTH)


def test_a_turn_sees_its_conversation_and_nothing_else() -> None:
    """The tokens that a turn's last token sees, and their positions, are those of the conversation alone."""
    rows = one_row(*EPISODES, length=LENGTH)
    seen = visible(rows)
    for end, single in turns_of(EPISODES):
        size = int(single.pieces[:, 3][single.pieces[:, 3] < LENGTH].max())
        tokens = seen[0, end - 1]
        assert rows.ids[0, tokens].tolist() == single.ids[0, :size].tolist()
        assert rows.positions[0, tokens].tolist() == list(range(size))


def test_only_the_conversation_alone_looks_back_at_all_of_itself() -> None:
    """Of one conversation alone, token i sees exactly the tokens up to i."""
    for _, single in turns_of(EPISODES):
        size = int(single.pieces[:, 3][single.pieces[:, 3] < LENGTH].max())
        assert (visible(single)[0, :size, :size] == np.tri(size, dtype=bool)).all()


def test_chat_is_laid_out_as_the_template_says() -> None:
    """The first episode, decoded, is what the server sends the model for a chat."""
    assert laid_out(EPISODES[0]) == (
        "<|im_start|>system\nAnswer with one word.<|im_end|>\n"
        "<|im_start|>user\nWhat is the capital of Peru?<|im_end|>\n<|im_start|>assistant\nLima<|im_end|>"
    )


def test_what_questions_share_opens_the_users_text() -> None:
    """A question over passages reads as one message, wherever it is cut."""
    assert laid_out(EPISODES[3]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n"
        "<|im_start|>user\n[1] Lima, at 7.\n\nWhere?<|im_end|>\n<|im_start|>assistant\nLima<|im_end|>"
    )


def test_a_call_and_its_result_stand_before_the_answer() -> None:
    """Each in a turn of its own; the call is learned like an answer, the result is only read."""
    assert laid_out(EPISODES[4]) == (
        "<|im_start|>system\nCall.<|im_end|>\n<|im_start|>user\nWarm?<|im_end|>\n"
        "<|im_start|>assistant\nread()<|im_end|>\n<|im_start|>tool\n9<|im_end|>\n"
        "<|im_start|>assistant\nIt is 9.<|im_end|>"
    )
    rows = one_row(alone(EPISODES[4], EPISODES[4].turns[0]), length=LENGTH)
    assert ENCODING.decode(rows.ids[rows.weight >= 1.0].tolist()) == "read()<|im_end|>It is 9.<|im_end|>"


def laid_out(episode: Episode) -> str:
    """The conversation of the first turn, as it stands in a row."""
    rows = one_row(alone(episode, episode.turns[0]), length=LENGTH)
    return ENCODING.decode(rows.ids[0, : int(rows.pieces[1, 3])].tolist())


def test_answers_count_fully_and_nothing_is_predicted_across_pieces() -> None:
    """Weight 1 or more lies on each answer and its end; a piece's first token is never a target."""
    rows = one_row(*EPISODES, length=LENGTH)
    learned = ENCODING.decode(rows.ids[rows.weight >= 1.0].tolist())
    assert learned.startswith("Lima<|im_end|>4<|im_end|>Hello!<|im_end|>")
    assert " bug<|endoftext|> other<|endoftext|>Lima<|im_end|>at 7<|im_end|>" in learned
    starts = rows.pieces[rows.pieces[:, 2] < LENGTH, 2]
    assert not rows.weight[0, starts].any()


def test_a_short_answer_weighs_no_less_than_one_of_eight_tokens() -> None:
    """Or labels would be drowned by names and sentences; what is longer weighs 1 a token."""
    told = "The capital of Peru is Lima, as everyone knows who has been there."
    short, long = (one_row(Episode("", (Turn("Peru?", said),)), length=LENGTH) for said in ("Lima", told))
    assert short.weight[short.weight >= 1.0].sum() == 8.0
    assert set(long.weight[long.weight >= 1.0]) == {1.0}


@given(st.lists(st.lists(st.integers(1, 40), min_size=1, max_size=6), max_size=60), st.integers(41, 90))
def test_every_turn_that_fits_is_in_exactly_one_row(sizes: list[list[int]], length: int) -> None:
    """Rows are never longer than asked, and a segment is cut only between turns."""
    segments = [
        Segment(Piece([0] * first, [0.0] * first), tuple(Piece([i] * n, [0.0] * n) for n in rest))
        for i, (first, *rest) in enumerate(sizes)
    ]
    parts = [part for segment in segments for part in fitted(segment, length)]
    rows = [*packed(parts, length)]
    assert all(sum(map(len, row)) <= length for row in rows)
    fitting = sorted(
        len(turn)
        for segment in segments
        for turn in segment.turns
        if len(segment.system) + len(turn) <= length
    )
    assert sorted(len(turn) for row in rows for part in row for turn in part.turns) == fitting


def test_batches_have_one_shape_and_little_padding() -> None:
    """Shapes stay fixed, as compiled code needs them, and nine tenths of a batch are text."""
    corpus = (Episode("Say " * (i % 7), (Turn("x " * (i % 30), "y"),) * 4) for i in range(3000))
    filled = []
    for rows in batches(corpus, encoder(), rows=4, length=512):
        assert rows.ids.shape == rows.positions.shape == rows.weight.shape == (4, 512)
        assert rows.pieces.shape == (4 * 512 // 8, 4)
        filled.append((rows.pieces[:, 3] - rows.pieces[:, 2]).sum() / rows.ids.size)
    assert np.mean(filled) > 0.9
