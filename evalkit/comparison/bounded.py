"""What a report shows of failures and reasons, of however many there are."""

from __future__ import annotations

from bisect import insort
from collections import Counter
from operator import itemgetter

from evalkit.comparison.model import FailedCase
from evalkit.run.rows import Row

FAILURES_KEPT = 50
"""Of each suite and variant: as many as any format shows."""

REASONS_KEPT = 200
"""Different ones of each suite: servers put a request's number into their messages, so there is no end."""

LONGEST_TEXT = 1000
"""Characters of an answer or a reason: more than any format shows."""

OTHER_REASONS = "other reasons"


class FirstFailures:
    """The first failures of a variant: new ones before others, then by case and repeat."""

    def __init__(self) -> None:
        self._kept: list[tuple[tuple[bool, str, int], FailedCase]] = []

    def add(self, row: Row, *, new: bool) -> None:
        """Keep one if it belongs to the first."""
        order = (not new, row.case, row.repeat)
        if len(self._kept) == FAILURES_KEPT and order >= self._kept[-1][0]:
            return
        insort(self._kept, (order, _failed_case(row, new=new)), key=itemgetter(0))
        del self._kept[FAILURES_KEPT:]

    def first(self) -> list[FailedCase]:
        """In their order."""
        return [failed for _, failed in self._kept]


class Reasons:
    """How often each reason was given. What comes after REASONS_KEPT different ones is counted together."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, reason: str) -> None:
        """Count one."""
        known = reason[:LONGEST_TEXT]
        if known not in self._counts and len(self._counts) >= REASONS_KEPT:
            known = OTHER_REASONS
        self._counts[known] += 1

    def counts(self) -> dict[str, int]:
        """Most frequent first."""
        return dict(self._counts.most_common())


def _failed_case(row: Row, *, new: bool) -> FailedCase:
    first, *others = (verdict for verdict in row.verdicts if verdict.passed is False)
    got = (row.response and row.response.text) or ""
    return FailedCase(
        case=row.case,
        variant=row.variant,
        repeat=row.repeat,
        check=first.check,
        reason=first.reason[:LONGEST_TEXT],
        got=got[:LONGEST_TEXT],
        also=tuple(verdict.check for verdict in others),
        new=new,
    )
