"""The whole answer is one text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import shown


@dataclass(frozen=True, slots=True)
class Equals:
    """The answer equals a text, and is nothing else.

    Without `text` the case's answer is wanted. A number stands for itself as written: `equals: 007` wants
    007.

    Attributes:
        text: the text wanted.
        ignore_case: whether A and a are the same.
        strip: whether white space around either text is ignored.
    """

    default_kind: ClassVar[CheckKind] = "correctness"

    text: str | None = None
    ignore_case: bool = False
    strip: bool = True

    def check(self, seen: Seen) -> Verdict:
        """Compare the whole answer."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        wanted = seen.reference if self.text is None else self.text
        if wanted is None:
            return unsure(str(self.fault(seen)), text)
        equal = self._plain(text) == self._plain(wanted)
        return verdict(equal, text, f"want {shown(wanted)} got {shown(text)}")

    def fault(self, seen: Seen) -> str | None:
        """A case without an answer can be compared with nothing."""
        if self.text is None and seen.reference is None:
            return "equals has no text, and the case has no answer: write one of them"
        return None

    def _plain(self, text: str) -> str:
        text = text.strip() if self.strip else text
        return text.casefold() if self.ignore_case else text
