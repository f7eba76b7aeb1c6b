"""Records -> what is counted for a decision: pairs of answers, endpoint by endpoint."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b

from evalkit.run.codec import passed as all_of
from evalkit.run.gating import Gating
from evalkit.run.records import WHOLE
from evalkit.run.rows import Row

CASE_CHECKS = "checks of cases"
"""The endpoint that checks of single cases make together."""

OVERALL = -1
"""In place of an endpoint's number: whether the whole answer passed."""

State = bool | None
"""Whether an answer passed an endpoint; None where it is missing or was not decided."""

States = tuple[tuple[int, State], ...]
"""Of one answer: endpoint by number, those that the case does not have left out."""

Cells = Counter[tuple[int, State, State]]
"""How many pairs: endpoint, the candidate's state, the baseline's."""

ALL = ""
"""The group of all pairs, where nothing hangs together."""


@dataclass(slots=True)
class Counts:
    """What a suite's records add up to, for its gate; one pair at a time, so memory is little.

    Attributes:
        gating: the rule. leaked: cases that do not count.
        clustered: whether answers hang together: repeats, or groups.
        groups: by group; all pairs in one where nothing hangs together.
        latencies_ms, costs_usd: the candidate's, cached answers' latencies left out; an unknown cost is NaN.
        data: a digest of all answers, the same in any order.
    """

    gating: Gating
    leaked: Collection[str]
    clustered: bool
    groups: defaultdict[str, Cells] = field(default_factory=lambda: defaultdict(Counter))
    pairs: int = 0
    leaked_pairs: int = 0
    latencies_ms: array[float] = field(default_factory=lambda: array("d"))
    costs_usd: array[float] = field(default_factory=lambda: array("d"))
    data: int = 0
    _waiting: dict[tuple[str, int], tuple[str, States]] = field(default_factory=dict)

    @property
    def endpoints(self) -> tuple[str, ...]:
        """Their names, by number."""
        return (*self.gating.checks, *((CASE_CHECKS,) if self.gating.case_checks else ()))

    def add(self, row: Row) -> None:
        """Count one record; those of other variants, and of leaked cases, are passed over."""
        if row.variant not in (self.gating.candidate, self.gating.baseline):
            return
        if row.case in self.leaked:
            self.leaked_pairs += row.variant == self.gating.candidate
            return
        if row.variant == self.gating.candidate:
            self._add_figures(row)
        self._add_data(row)
        states, key = tuple(self._states(row)), (row.case, row.repeat)
        other = self._waiting.pop(key, None)
        if other is None:
            self._waiting[key] = (row.variant, states)
        elif row.variant == self.gating.candidate:
            self._add_pair(key, states, other[1])
        else:
            self._add_pair(key, other[1], states)

    def finish(self, planned: int) -> None:
        """Count what is missing: answers without their counterpart, and pairs that were never asked.

        Args:
            planned: pairs that a whole run has; 0 where nobody knows.
        """
        nothing = tuple((number, None) for number in (OVERALL, *range(len(self.endpoints))))
        for key, (variant, states) in self._waiting.items():
            asked = (states, nothing) if variant == self.gating.candidate else (nothing, states)
            self._add_pair(key, *asked)
        self._waiting.clear()
        for number in range(self.pairs + self.leaked_pairs, planned):
            self._add_pair((f"never asked {number}", 0), nothing, nothing)

    def _states(self, row: Row) -> Iterator[tuple[int, State]]:
        yield OVERALL, row.passed
        found = {verdict.check: verdict.passed for verdict in row.verdicts} if row.answered else {}
        failed_whole = found.pop(WHOLE, True) is False
        for number, name in enumerate(self.gating.checks):
            yield number, False if failed_whole else found.pop(name, None)
        own = [verdict for verdict in row.verdicts if verdict.check in found]
        if self.gating.case_checks and (own or not row.answered):
            passed = all_of(own) if row.answered else None
            yield len(self.gating.checks), False if failed_whole else passed

    def _add_figures(self, row: Row) -> None:
        if row.answered:
            self.costs_usd.append(float("nan") if row.cost_usd is None else row.cost_usd)
            if row.latency_ms is not None and not row.cached:
                self.latencies_ms.append(row.latency_ms)

    def _add_data(self, row: Row) -> None:
        text = row.response.text if row.response else None
        answer = [verdict.value for verdict in row.verdicts] if text is None else text
        text = repr(
            (row.case, row.repeat, row.variant, answer)
        )  # a tool call shows in what checks took of it
        self.data = (self.data + int.from_bytes(blake2b(text.encode(), digest_size=8).digest())) % 2**64

    def _add_pair(self, key: tuple[str, int], candidate: States, baseline: States) -> None:
        case, _ = key
        group = self.gating.groups.get(case)
        unit = f"case {case}" if group is None else f"group {group}"
        mine, theirs = dict(candidate), dict(baseline)
        cells = self.groups[unit if self.clustered else ALL]
        for number in mine.keys() & theirs.keys():
            cells[number, mine[number], theirs[number]] += 1
        self.pairs += 1


def count(
    rows: Iterable[Row], gatings: Mapping[str, Gating], leaked: Mapping[str, Collection[str]], repeat: int
) -> dict[str, Counts]:
    """All suites' counts, in one pass over a run's records; `finish` is still to be called on each."""
    counts = {
        suite: Counts(gating, leaked.get(suite, ()), clustered=repeat > 1 or bool(gating.groups))
        for suite, gating in gatings.items()
    }
    for row in rows:
        if row.suite in counts:
            counts[row.suite].add(row)
    return counts
