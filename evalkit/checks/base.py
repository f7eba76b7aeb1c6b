"""What a check is: `Seen` in, `Verdict` out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

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


def verdict(passed: bool, value: Any, reason: str) -> Verdict:
    """All or nothing: score 1 or 0, the reason only where it failed."""
    return Verdict(passed, float(passed), value, "" if passed else reason)


def unsure(reason: str, value: Any = None) -> Verdict:
    """The third state: the check could not tell, and says why."""
    return Verdict(None, None, value, reason)


@dataclass(frozen=True, slots=True)
class Grade:
    """A judge's reading of one answer: score in [0, 1], or None with the reason why there is none."""

    score: float | None
    reason: str


Judge = Callable[[str, "Seen"], Grade]
"""(rubric text, what was seen) -> Grade. Blocks until the judge has answered; called off the event loop."""


@dataclass(frozen=True, slots=True)
class Seen:
    """All that a check may look at.

    `tool_calls` and `tools` are in OpenAI's form, as they came and were offered; `reference_calls` are those
    of the case's answer.
    """

    text: str | None
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    finish_reason: str | None = None
    refusal: str | None = None
    reference: str | None = None
    reference_calls: tuple[Mapping[str, Any], ...] = ()
    tools: tuple[Mapping[str, Any], ...] = ()
    messages: tuple[Mapping[str, Any], ...] = ()
    model: str | None = None
    judge: Judge | None = None


def answer(seen: Seen) -> str | Verdict:
    """The answer's text, or the failed verdict of an answer that has none: refused, empty, or a tool call."""
    if seen.refusal:
        return verdict(False, None, f"the model refused: {seen.refusal[:200]}")
    if seen.text is None or not seen.text.strip():
        what = "a tool call, no text" if seen.tool_calls else "an empty answer"
        return verdict(False, seen.text, what)
    return seen.text


class Check(Protocol):
    """A frozen dataclass: its fields are its arguments, its docstring is its help.

    The first field takes the argument where a suite gives no mapping (`length: 80` is `length: {max: 80}`),
    and the text of the file where it gives `{file: ...}`. `default_kind` is what the suite may override with
    `kind:`. `__post_init__` raises FieldError for arguments that make no sense together.
    """

    default_kind: ClassVar[CheckKind]

    def check(self, seen: Seen) -> Verdict:
        """Judge one answer; never raises on what a model may say."""
        ...


@runtime_checkable
class Compares(Protocol):
    """A check that needs the case's answer, and can say beforehand which answers it cannot use."""

    def fault(self, seen: Seen) -> str | None:
        """What is wrong with a case that has this answer and these tools; None if nothing is."""
        ...
