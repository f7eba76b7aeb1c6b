"""Tokens' bytes -> text: whatever the tokens' borders, the text is the same."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalkit.local.text import TextStream

TEXTS = st.text(st.sampled_from("abAB ü€😀"), max_size=30)
STOPS = st.lists(st.text(st.sampled_from("abAB ü€😀"), min_size=1, max_size=4), max_size=3)


def in_pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes as tokens might."""
    borders = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[start:end] for start, end in pairwise(borders)]


@settings(deadline=None)
@given(TEXTS, STOPS, st.lists(st.integers(0, 200), max_size=40))
@example("a€b", ["€"], [1, 2, 3])
@example("aab", ["ab"], [1, 2])
def test_text_is_cut_before_the_first_stop(text: str, stops: list[str], cuts: list[int]) -> None:
    """The pieces add up to the text before the stop string that is complete first; no character is torn."""
    stream, shown, pushed = TextStream(stops), "", 0
    for piece in in_pieces(text.encode(), cuts):
        shown += stream.push(piece)
        pushed += len(piece)
        assert text.startswith(shown)
        if stream.stopped:
            break
    shown += "" if stream.stopped else stream.finish()
    seen = text.encode()[:pushed]
    found = [at for stop in stops if (at := seen.find(stop.encode())) >= 0]
    assert shown.encode() == (seen[: min(found)] if found else text.encode())


@settings(deadline=None)
@given(TEXTS, st.lists(st.integers(0, 200), max_size=40))
def test_whole_characters_are_not_held_back(text: str, cuts: list[int]) -> None:
    """Without stop strings every whole character is shown at once."""
    stream, shown, pushed = TextStream(), "", b""
    for piece in in_pieces(text.encode(), cuts):
        shown, pushed = shown + stream.push(piece), pushed + piece
        assert shown == pushed.decode("utf-8", "ignore")


def test_half_a_character_at_the_end_is_marked() -> None:
    """An answer that is cut within a character ends in U+FFFD."""
    stream = TextStream()
    assert stream.push("a€".encode()[:3]) == "a"
    assert stream.finish() == "\ufffd"


def test_beginning_of_a_stop_string_is_held_back() -> None:
    """What may become a stop string is shown only when it has not."""
    stream = TextStream(["END"])
    assert [stream.push(piece) for piece in (b"x E", b"N", b"d")] == ["x ", "", "ENd"]
