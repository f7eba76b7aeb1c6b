"""Fields of a JSON answer equal those of the case's answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from evalkit.checks.base import CheckKind, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import FieldError, shown
from evalkit.checks.strict_json import Fences, NotJson, parse, same

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class JsonFields:
    """Named fields of the answer's JSON object equal those of the case's answer, which is a JSON object too.

    Passed only if all are equal; the score is the share that is. Texts are compared to the letter, numbers by
    value.

    Attributes:
        fields: the keys compared.
        fences: `allow` if the object may stand in a Markdown fence.
    """

    default_kind: ClassVar[CheckKind] = "correctness"

    fields: tuple[str, ...]
    fences: Fences = "refuse"

    def __post_init__(self) -> None:
        if not self.fields:
            raise FieldError(("fields",), "found an empty list; write the keys to compare")

    def check(self, seen: Seen) -> Verdict:
        """Compare field by field."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        if fault := self.fault(seen):
            return unsure(fault)
        try:
            got = parse(text, self.fences)
        except NotJson as error:
            return verdict(False, None, f"no JSON: {error}")
        if not isinstance(got, dict):
            return verdict(False, None, f"want a JSON object got {shown(got)}")
        return self._compared(parse(str(seen.reference)), got)

    def fault(self, seen: Seen) -> str | None:
        """The case's answer must be a JSON object that has all fields."""
        if seen.reference is None:
            return "json_fields compares with the case's answer, and the case has none: write it"
        try:
            wanted = parse(seen.reference)
        except NotJson as error:
            return f"json_fields compares with the case's answer, which is no JSON: {error}"
        missing = (
            [name for name in self.fields if name not in wanted] if isinstance(wanted, dict) else ["any"]
        )
        return f"the case's answer has no field {', '.join(missing)}: write it, or null" if missing else None

    def _compared(self, wanted: dict[str, Any], got: dict[str, Any]) -> Verdict:
        wrong = [name for name in self.fields if not same(wanted[name], got.get(name, _ABSENT))]
        value = {name: got[name] for name in self.fields if name in got}
        reason = "; ".join(_difference(name, wanted[name], got.get(name, _ABSENT)) for name in wrong)
        return Verdict(not wrong, 1 - len(wrong) / len(self.fields), value, reason)


def _difference(name: str, wanted: Any, got: Any) -> str:
    return f"{name}: want {shown(wanted)} got {'nothing' if got is _ABSENT else shown(got)}"
