"""What a model, a server or a suite wrote is hostile until it is escaped for the place where it is shown."""

from __future__ import annotations

import re
import unicodedata

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    r"""The text on one line, harmless on a terminal.

    Control characters (ANSI escapes begin with one), bidi marks and all else without a shape of its own
    are written as Python would write them: `\n`, `\x1b`, `\u202e`.
    """
    if text.isprintable():  # as nearly all is
        return text
    return "".join(char if _is_shown(char) else _escaped(char) for char in text)


def _is_shown(char: str) -> bool:
    return char.isprintable() or unicodedata.category(char) == "Zs"  # the French put such spaces before a `?`


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def clip(text: str, width: int) -> str:
    """At most `width` characters; an ellipsis shows that something was left out."""
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"


def markdown_code(text: str) -> str:
    """A code span, in a table too: inside it neither Markdown, HTML, links nor mentions mean anything."""
    plain = printable(text)
    if not plain.strip():
        return ""
    fence = "`" * (max((len(run) for run in re.findall("`+", plain)), default=0) + 1)
    padding = " " if plain.startswith(("`", " ")) or plain.endswith(("`", " ")) else ""
    return f"{fence}{padding}{plain}{padding}{fence}".replace("|", "\\|")


def markdown_text(text: str) -> str:
    """Running text with every ASCII punctuation mark that could mean something escaped."""
    return re.sub(r"([\\`*_{}\[\]<>()#+!|~&@$]|:(?=//)|(?<=www)\.)", r"\\\1", printable(text))


def spreadsheet_safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
