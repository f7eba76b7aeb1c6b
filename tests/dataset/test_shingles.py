"""How alike two texts are: what counts, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.dataset.shingles import COMMON_AT_LEAST, LETTERS, Commons, normalised, shingles, similarity


@given(st.text(max_size=200), st.text(max_size=200))
def test_similarity_is_jaccards_index_of_pieces(one: str, other: str) -> None:
    """The fast search over hashes gives what sets of strings give."""

    def pieces(text: str) -> set[str]:
        return {text[i : i + LETTERS] for i in range(max(1, len(text) - LETTERS + 1))} - {""}

    mine, theirs = pieces(one), pieces(other)
    expected = len(mine & theirs) / len(mine | theirs) if mine and theirs else 0.0
    if "\0" not in one + other:  # a short text is filled up with it
        assert similarity(shingles(one), shingles(other)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What's the capital?", "what s  the CAPITAL"),
        ("ﬁne", "FINE"),
        ("naïve_text", "NAÏVE text"),
        ("Straße", "strasse"),
    ],
)
def test_case_spaces_and_punctuation_do_not_count(one: str, other: str) -> None:
    """Texts that differ in these alone are the same text."""
    assert normalised(one) == normalised(other)


def test_a_text_without_words_stays_itself() -> None:
    """`?!` and `...` are not both nothing."""
    assert normalised(" ?! ") == "?!" != normalised("...")


def test_what_many_texts_share_is_no_ones_own() -> None:
    """A template around short texts is left out; what few have is kept, in a small collection too."""
    texts = [f"Headline: {name * 3}. Answer in JSON." for name in "abcdefghijk"]
    commons = Commons()
    for text in texts:
        commons.add(shingles(normalised(text)))
    own = [commons.own(shingles(normalised(text))) for text in texts]
    assert similarity(shingles(normalised(texts[0])), shingles(normalised(texts[1]))) > 0.4
    assert similarity(own[0], own[1]) == 0
    few = Commons()
    for _ in range(COMMON_AT_LEAST):
        few.add(shingles("the same"))
    assert few.own(shingles("the same")).size
