"""The unit of the corpus: several independent turns under one system text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Step = tuple[Literal["assistant", "tool"], str]
"""What was said between a question and its answer: by whom, and the text."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One question and the answer that is to be learned.

    steps: what was said between them: a call, and what the tool returned.
    """

    user: str
    answer: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Episode:
    """Turns that share a system text but never see one another.

    kind "chat": `system` is the system message ("" = none).
    kind "text": `system + user + answer` is one plain text, as /v1/completions sees it, so
    `system` ends with its own newline, and `answer` begins with its own space.
    shared: how the user's text begins in every turn of a chat; it ends where a token ends.
    """

    system: str
    turns: tuple[Turn, ...]
    kind: Literal["chat", "text"] = "chat"
    shared: str = ""
