"""Rows -> figures: what is counted of a suite, and of all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from evalkit.comparison.bounded import FirstFailures, Reasons
from evalkit.comparison.hashset import HashSet
from evalkit.comparison.model import Comparison, Pair, SuiteFigures
from evalkit.comparison.tally import Tally, token_changes, variant_rows
from evalkit.run.records import Record
from evalkit.run.rows import Row, row_of

Leaked = Mapping[str, Collection[str]]
"""By suite: the ids of the cases that stand in the training data."""


def compare(
    records: Iterable[Record], pairs: Mapping[str, Pair] | None = None, leaked: Leaked | None = None
) -> Comparison:
    """The figures of records that are in memory.

    Args:
        records: of any number of suites, in any order; each repeat counts as a record of its own.
        pairs: candidate and baseline by suite; `Pair()` for a suite that is not named.
        leaked: cases whose pass rates are given apart.
    """
    return compare_rows([row_of(record) for record in records], pairs, leaked)


def compare_rows(
    rows: Iterable[Row],
    pairs: Mapping[str, Pair] | None = None,
    leaked: Leaked | None = None,
    superseded: Iterable[Row] = (),
) -> Comparison:
    """The figures of a run, in little memory: see Tally; and 12 to 24 bytes more for what a baseline passed.

    Args:
        rows: as they come from `open_rows`, or in a list: they are gone through twice, since a failure is new
            only if the baseline passed the case, before it or after it.
        pairs, leaked: as of `compare`.
        superseded: records in whose place others came, of which only what may have been charged counts.
    """
    pairs, leaked = pairs or {}, leaked or {}
    suites: dict[str, SuiteTally] = {}
    for row in rows:
        suite = suites.get(row.suite)
        if suite is None:
            name = row.suite
            suite = suites[name] = SuiteTally(name, pairs.get(name, Pair()), leaked.get(name, ()))
        suite.look(row)
    for row in rows:
        suites[row.suite].add(row)
    for row in superseded:
        if row.suite in suites:
            suites[row.suite].variants[row.variant].add_charges(row)
    ordered = [suites[name] for name in sorted(suites)]
    changes = token_changes(suite.variants for suite in ordered)
    return Comparison(tuple(suite.figures() for suite in ordered), variant_rows(_total(ordered), changes))


@dataclass(slots=True)
class SuiteTally:
    """What a suite's records add up to."""

    name: str
    pair: Pair
    leaked: Collection[str]
    variants: defaultdict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    failures: defaultdict[str, FirstFailures] = field(default_factory=lambda: defaultdict(FirstFailures))
    errors: Reasons = field(default_factory=Reasons)
    unknown_reasons: Reasons = field(default_factory=Reasons)
    new_failures: int = 0
    _before: HashSet = field(default_factory=HashSet)

    def look(self, row: Row) -> None:
        """Note what the baseline passed: to be called for all records before any is added."""
        if row.variant == self.pair.baseline and row.answered and row.passed:
            self._before.add(_turn(row))

    def add(self, row: Row) -> None:
        """Count one record."""
        self.variants[row.variant].add(row, leaked=row.case in self.leaked)
        if row.error is not None:
            self.errors.add(f"{row.error.type}: {row.error.message}")
        for verdict in row.verdicts:
            if verdict.passed is None:
                self.unknown_reasons.add(verdict.reason)
        if row.answered and row.passed is False:
            self._add_failure(row)

    def _add_failure(self, row: Row) -> None:
        new = row.variant == self.pair.candidate and _turn(row) in self._before
        self.new_failures += new
        self.failures[row.variant].add(row, new=new)

    def figures(self) -> SuiteFigures:
        """As they stand."""
        failures = [failure for first in self.failures.values() for failure in first.first()]
        failures.sort(key=lambda found: (not found.new, found.case, found.variant, found.repeat))
        return SuiteFigures(
            name=self.name,
            pair=self.pair,
            rows=variant_rows(self.variants, token_changes([self.variants])),
            failures=tuple(failures),
            new_failures=self.new_failures,
            errors=self.errors.counts(),
            unknown_reasons=self.unknown_reasons.counts(),
        )


def _turn(row: Row) -> int:
    return hash((row.case, row.repeat))


def _total(suites: Iterable[SuiteTally]) -> dict[str, Tally]:
    """The tallies of all suites, by variant."""
    total: defaultdict[str, Tally] = defaultdict(Tally)
    for suite in suites:
        for variant, tally in suite.variants.items():
            total[variant].join(tally)
    return total
