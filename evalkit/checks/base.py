"""What a check is: `Seen` in, `Verdict` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

CheckKind = Literal["property", "correctness"]


class FileText(str):
    """The text of a file that a suite named; `path` says which."""

    path: Path

    def __new__(cls, text: str, path: Path) -> FileText:
        """Keep the file's path beside its text."""
        self = super().__new__(cls, text)
        self.path = path
        return self


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found.

    Attributes:
        passed: True, False, or None where the check could not tell.
        score: in [0, 1], or None where passed is None.
        value: what was extracted from the answer (JSON-serialisable).
        reason: a sentence that a person can act on; "" where it passed and there is nothing to say.
    """

    passed: bool | None
    score: float | None
    value: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """A judge's reading of one answer: score in [0, 1], or None with the reason why there is none."""

    score: float | None
    reason: str


Judge = Callable[[str, "Seen"], Grade]
"""(rubric text, what was seen) -> Grade. Blocks until the judge model has answered; called off the event loop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a check may look at."""

    text: str | None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    refusal: str | None = None
    reference: str | None = None
    messages: tuple[Mapping[str, Any], ...] = ()
    model: str | None = None
    judge: Judge | None = None


class Check(Protocol):
    """A frozen dataclass: its fields are its arguments, its docstring is its help.

    The first field takes the argument where a suite gives no mapping (`length: 80` is `length: {max: 80}`).
    `default_kind` is what the suite may override with `kind:`.
    """

    default_kind: ClassVar[CheckKind]

    def check(self, seen: Seen) -> Verdict:
        """Judge one answer; never raises on what a model may say."""
        ...
