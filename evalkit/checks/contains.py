"""The answer contains given texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Literal

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure
from evalkit.checks.fields import FieldError, shown


@dataclass(frozen=True, slots=True)
class Contains:
    """The answer contains a text, or all or any of several.

    Without `text` the case's answer is wanted. The score is the share of the texts that were found.

    Attributes:
        text: the text wanted, or a list of them.
        match: all of the list must occur, or any.
        ignore_case: whether A and a are the same.
        words: whether a text must stand by itself, so that "old" is not found in "cold".
    """

    default_kind: ClassVar[CheckKind] = "correctness"

    text: str | tuple[str, ...] | None = None
    match: Literal["all", "any"] = "all"
    ignore_case: bool = False
    words: bool = False

    def __post_init__(self) -> None:
        if self.text is not None and not all(self._wanted(None)):
            raise FieldError(
                ("text",), "found an empty text, which every answer contains; write the text wanted"
            )
        if self.text == ():
            raise FieldError(("text",), "found an empty list; write at least one text")

    def check(self, seen: Seen) -> Verdict:
        """Look for each text."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        wanted = self._wanted(seen.reference)
        if not wanted:
            return unsure(str(self.fault(seen)))
        found = [want for want in wanted if self._stands_in(text, want)]
        missing = ", ".join(shown(want) for want in wanted if want not in found)
        passed = bool(found) if self.match == "any" else not missing
        return Verdict(
            passed, len(found) / len(wanted), found, "" if passed else f"does not contain {missing}"
        )

    def fault(self, seen: Seen) -> str | None:
        """A case without an answer leaves nothing to look for."""
        if self.text is None and not seen.reference:
            return "contains has no text, and the case has no answer: write one of them"
        return None

    def _wanted(self, reference: str | None) -> tuple[str, ...]:
        if self.text is None:
            return (reference.strip(),) if reference else ()
        return (self.text,) if isinstance(self.text, str) else self.text

    def _stands_in(self, text: str, want: str) -> bool:
        if self.ignore_case:
            text, want = text.casefold(), want.casefold()
        if not self.words:
            return want in text
        return re.search(rf"(?<!\w){re.escape(want)}(?!\w)", text) is not None
