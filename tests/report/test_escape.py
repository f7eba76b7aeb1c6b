"""What models write is hostile until it is escaped."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.report.escape import clip, markdown_code, markdown_text, printable, spreadsheet_safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2Jgone", r"\x1b[2Jgone"),
        ("\x9b31m", r"\x9b31m"),
        ("one\r\ntwo\tthree", r"one\r\ntwo\tthree"),
        ("abc\u202egpj.exe", r"abc\u202egpj.exe"),
        ("\u2066hidden\u2069", r"\u2066hidden\u2069"),
        ("a\u200bb\ufeff", r"a\u200bb\ufeff"),
        ("line\u2028break", r"line\u2028break"),
        ("half\ud83d", r"half\ud83d"),
        ("Où ?\u00a0Ça, grüß Gott 你好 🎉", "Où ?\u00a0Ça, grüß Gott 你好 🎉"),
    ],
)
def test_printable_disarms_and_keeps(text: str, shown: str) -> None:
    """ANSI escapes, line breaks, bidi marks, invisible characters and broken Unicode become visible text."""
    assert printable(text) == shown


@given(st.text(st.characters(), max_size=60))
def test_printable_is_one_harmless_line(text: str) -> None:
    """Whatever comes in, what goes out can be encoded, is one line, and holds no control character."""
    shown = printable(text)
    assert shown.encode("utf-8").decode() == shown
    assert len(shown.splitlines()) <= 1
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]", shown)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("plain", "`plain`"),
        ("<script>alert(1)</script>", "`<script>alert(1)</script>`"),
        ("[x](https://evil.example)", "`[x](https://evil.example)`"),
        ("a | b", r"`a \| b`"),
        ("`` ` ``", "``` `` ` `` ```"),
        ("two\nlines", r"`two\nlines`"),
        ("", ""),
    ],
)
def test_markdown_code_spans_hold(text: str, span: str) -> None:
    """A code span is fenced by more backticks than it holds, so that nothing inside is Markdown or HTML."""
    assert markdown_code(text) == span


@given(st.text(st.sampled_from("`|a \n"), max_size=20))
def test_no_code_span_can_be_left(text: str) -> None:
    """No text can close its own span: the fence is longer than any run of backticks within."""
    span = markdown_code(text)
    if span:
        fence = re.match("`+", span)
        assert fence is not None
        inside = span[len(fence[0]) : -len(fence[0])]
        assert fence[0] not in re.findall("`+", inside)
        assert "|" not in inside.replace("\\|", "")


@pytest.mark.parametrize("mark", ["[a](b)", "<img src=x>", "*a*", "_a_", "a|b", "# a", "`a`", "&amp;", "~a~"])
def test_markdown_text_means_nothing(mark: str) -> None:
    """Every mark of Markdown and HTML in running text stands behind a backslash."""
    assert not re.search(r"(?<!\\)[\[\]()<>*_|#`&~]", markdown_text(mark))


def test_markdown_text_makes_no_links() -> None:
    """Bare addresses, which GitHub would turn into links, are broken up."""
    assert (
        markdown_text("https://evil.example www.evil.example") == r"https\://evil.example www\.evil.example"
    )


@pytest.mark.parametrize(
    "text", ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"]
)
def test_spreadsheets_see_no_formula(text: str) -> None:
    """A cell that begins as a formula would is led by an apostrophe."""
    assert spreadsheet_safe(text) == f"'{text}"


def test_spreadsheets_see_other_text_as_it_is() -> None:
    """Other text is left alone."""
    assert spreadsheet_safe("sports-headlines") == "sports-headlines"


@pytest.mark.parametrize(("width", "shown"), [(5, "12345"), (4, "123…"), (1, "…")])
def test_clip_shows_that_it_cut(width: int, shown: str) -> None:
    """What is too long ends in an ellipsis, and is exactly as wide as allowed."""
    assert clip("12345", width) == shown
