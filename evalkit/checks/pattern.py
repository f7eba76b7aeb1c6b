"""A regular expression matches the answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import regex

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import FieldError, shown
from evalkit.checks.patterns import PatternError, PatternTimeout, compiled, found


@dataclass(frozen=True, slots=True)
class Regex:
    r"""A regular expression matches somewhere in the answer, or the whole of it.

    The syntax is that of the Python package `regex`, which contains that of `re`. A match that takes longer
    than a second is stopped, and the verdict is null. The extracted value is what matched.

    Attributes:
        pattern: the expression, e.g. `^\d{4}-\d{2}-\d{2}$`.
        full: whether the whole answer must match; white space around it is ignored then.
        ignore_case: whether A and a are the same.
    """

    default_kind: ClassVar[CheckKind] = "property"

    pattern: str
    full: bool = False
    ignore_case: bool = False
    _compiled: regex.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            expression = compiled(self.pattern, ignore_case=self.ignore_case)
        except PatternError as error:
            raise FieldError(("pattern",), f"found {shown(self.pattern)}: {error}") from error
        object.__setattr__(self, "_compiled", expression)

    def check(self, seen: Seen) -> Verdict:
        """Search the answer."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        try:
            match = found(self._compiled, text.strip() if self.full else text, full=self.full)
        except PatternTimeout as stopped:
            return unsure(str(stopped))
        how = "is not wholly" if self.full else "has nothing like"
        return verdict(
            match is not None, match and match.group(), f"{shown(text)} {how} {self.pattern[:200]}"
        )
