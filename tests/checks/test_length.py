"""length: the rules of counting, and the limits."""

from __future__ import annotations

import pytest

from evalkit import tokens
from evalkit.checks import Seen, Verdict, build
from evalkit.checks.units import paragraphs, sentences, words


def checked(text: str, model: str | None = None, **limits: object) -> Verdict:
    """The verdict on one answer."""
    return build("length", limits).check(Seen(text, model=model))


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Oslo", 1),
        ("Don't worry - be happy!", 4),
        ("384,400 km, well-known", 3),
        ("- * …", 0),
        ("Äpfel und Öl", 3),
        ("one\ntwo\tthree", 3),
    ],
)
def test_words_hold_a_letter_or_a_digit(text: str, count: int) -> None:
    """Runs between white space; lone punctuation is none."""
    assert len(words(text)) == count


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Oslo", 1),
        ("It is Oslo.", 1),
        ("It is Oslo. Surely! Why?", 3),
        ("Well... It is Oslo.", 2),
        ('He said "Oslo." Then he left.', 2),
        ("Dr. Smith met J. R. Tolkien.", 1),
        ("Am 3. Oktober war es so.", 1),
        ("It was 1999. He left.", 2),
        ("Pi is 3.14 or so", 1),
        ("これは文です。これも。", 2),
        ("...", 0),
    ],
)
def test_sentences_end_where_the_docstring_says(text: str, count: int) -> None:
    """Abbreviated names, titles, ordinals and decimals end none."""
    assert len(sentences(text)) == count


def test_paragraphs_are_separated_by_blank_lines() -> None:
    """Lines of blanks alone count as blank."""
    assert len(paragraphs("a\nb\n\nc\n \t\n\n\nd\n\n")) == 3


def test_limits_include_their_ends() -> None:
    """max and min themselves pass; the value is the count."""
    assert checked("one two", max=2, min=2, unit="words") == Verdict(True, 1.0, 2, "")
    assert checked("one two three", max=2, unit="words").reason == "3 words, at most 2 wanted"
    assert checked("one", min=2, unit="words").reason == "1 words, at least 2 wanted"
    assert checked(" one ", max=3, unit="chars").value == 3


def test_tokens_are_counted_by_the_encoding_of_the_model_that_answered() -> None:
    """Exactly what the tokens module says."""
    text = "The capital of Norway is Oslo."
    assert checked(text, "evalkit-tiny", max=1, unit="tokens").value == tokens.count(text, "evalkit-tiny")


@pytest.mark.parametrize("model", [None, "a-model-that-nobody-knows"])
def test_an_unknown_encoding_gives_null(model: str | None) -> None:
    """Another model's count would be a wrong number."""
    found = checked("Oslo", model, max=80, unit="tokens")
    assert found.passed is None
    assert "encoding" in found.reason
