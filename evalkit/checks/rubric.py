"""A judge model grades the answer by a rubric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure
from evalkit.checks.fields import Bounds, FieldError


@dataclass(frozen=True, slots=True)
class Rubric:
    """A judge model reads a rubric and the answer, and gives 1 to 5 points with a reason.

    The points become a score, (points - 1) / 4, that is compared with the threshold. Where no judge is named,
    or its reply cannot be read, the verdict is null. An empty or refused answer fails without asking.

    Attributes:
        text: what a good answer is, as one would tell a colleague.
        threshold: the least score that passes.
    """

    default_kind: ClassVar[CheckKind] = "property"

    text: str
    threshold: Annotated[float, Bounds(0, 1)] = 0.7

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise FieldError(("text",), "is empty; write what a good answer is")

    def check(self, seen: Seen) -> Verdict:
        """Ask the judge."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        if seen.judge is None:
            return unsure("no judge named: name one with --judge MODEL")
        grade = seen.judge(self.text, seen)
        if grade.score is None:
            return unsure(grade.reason)
        passed = grade.score >= self.threshold
        return Verdict(passed, grade.score, grade.score, self._reason(grade.score, grade.reason, passed))

    def _reason(self, score: float, reason: str, passed: bool) -> str:
        return (
            reason if passed else f"the judge gives {score:.2f}, wanted at least {self.threshold:g}: {reason}"
        )
