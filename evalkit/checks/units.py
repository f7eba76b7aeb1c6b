"""What a text is made of, by stated rules."""

from __future__ import annotations

import regex

# a full stop ends no sentence after one capital letter, a number of one or two digits, or a title
_SENTENCE_END = regex.compile(
    r"(?:[!?…]|(?<!\b(?:\p{Lu}|\d{1,2}|Mrs?|Ms|Dr|Prof|St))\.)[.!?…]*[\"'”’»)\]]*(?=\s|$)\s*|[。！？]+"
)
_BLANK_LINE = regex.compile(r"\n[ \t\r]*\n")


def words(text: str) -> list[str]:
    """Runs between white space that hold a letter or a digit: `don't` and `384,400` are one each."""
    return [word for word in text.split() if _says_something(word)]


def sentences(text: str) -> list[str]:
    """Pieces that end with . ! ? or … before white space, or with a full-width mark; and what is left."""
    return [piece for piece in _SENTENCE_END.split(text.strip()) if _says_something(piece)]


def paragraphs(text: str) -> list[str]:
    """Blocks of text between blank lines."""
    return [block for block in _BLANK_LINE.split(text) if block.strip()]


def _says_something(piece: str) -> bool:
    return any(map(str.isalnum, piece))
