"""Counts -> what the tests see: once with missing verdicts held against the candidate, once without them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Literal

from evalkit.gate.counts import OVERALL, Cells, Counts, State
from evalkit.stats import Pairs, Rate
from evalkit.stats.clusters import cluster_pairs

Missing = Literal["against", "left out"]
"""How a null or a missing answer counts: failed for the candidate and passed for the baseline, or not."""


@dataclass(frozen=True)
class Unit:
    """A group of answers at one endpoint, or all of them where nothing hangs together."""

    n: int
    won: int
    lost: int
    passed: int  # by the candidate

    @property
    def difference(self) -> float:
        """The mean of its pairs, in [-1, 1]."""
        return (self.won - self.lost) / self.n


@dataclass(frozen=True)
class View:
    """One endpoint of a suite.

    Attributes:
        units: one a group with any pair that counts; one in all where nothing hangs together.
    """

    units: tuple[Unit, ...]
    clustered: bool

    @property
    def n(self) -> int:
        """Pairs of answers."""
        return sum(unit.n for unit in self.units)

    @cached_property
    def pairs(self) -> Pairs:
        """Cases, or groups where answers hang together, as the tests count them."""
        if self.clustered:
            return cluster_pairs(self.differences)
        won, lost = sum(unit.won for unit in self.units), sum(unit.lost for unit in self.units)
        return Pairs(self.n, won, lost)

    @cached_property
    def differences(self) -> tuple[float, ...]:
        """By unit."""
        return tuple(unit.difference for unit in self.units)

    @property
    def shares(self) -> tuple[float, ...]:
        """By unit: how much of it the candidate passed."""
        return tuple(unit.passed / unit.n for unit in self.units)

    @property
    def passed(self) -> float:
        """By the candidate: cases, or parts of groups where answers hang together."""
        return sum(self.shares) if self.clustered else self.rate.passed

    @property
    def rate(self) -> Rate:
        """The candidate's answers that passed."""
        return Rate(sum(unit.passed for unit in self.units), self.n)

    @property
    def within(self) -> float:
        """How much the difference varies between answers of one group; 0 where there is one answer each."""
        several = [unit for unit in self.units if unit.n > 1]
        spreads = [
            ((unit.won + unit.lost) / unit.n - unit.difference**2) * unit.n / (unit.n - 1) for unit in several
        ]
        return fmean(spreads) if spreads else 0.0


def view(counts: Counts, endpoint: int, missing: Missing) -> View:
    """One endpoint, by its number."""
    tables = (_table(cells, endpoint, missing) for cells in counts.groups.values())
    return View(tuple(unit for unit in map(_unit, tables) if unit.n), counts.clustered)


def sides(counts: Counts) -> tuple[Rate, Rate]:
    """What candidate and baseline passed, over all checks, of what was decided for each."""
    totals = Cells()
    for cells in counts.groups.values():
        totals.update({key: number for key, number in cells.items() if key[0] == OVERALL})
    mine = _rate((state, number) for (_, state, _), number in totals.items())
    return mine, _rate((state, number) for (_, _, state), number in totals.items())


def unknown(counts: Counts) -> int:
    """Pairs in which an answer is missing or was not decided."""
    return sum(
        number
        for cells in counts.groups.values()
        for (endpoint, *states), number in cells.items()
        if endpoint == OVERALL and None in states
    )


def _rate(found: Iterable[tuple[State, int]]) -> Rate:
    decided = [(state, number) for state, number in found if state is not None]
    return Rate(sum(number for state, number in decided if state), sum(number for _, number in decided))


def _table(cells: Cells, endpoint: int, missing: Missing) -> Mapping[tuple[bool, bool], int]:
    table = Cells()
    for (number, mine, theirs), count in cells.items():
        if number == endpoint and (missing == "against" or None not in (mine, theirs)):
            table[endpoint, mine is True, theirs is not False] += count
    return {(bool(mine), bool(theirs)): count for (_, mine, theirs), count in table.items()}


def _unit(table: Mapping[tuple[bool, bool], int]) -> Unit:
    won, lost = table.get((True, False), 0), table.get((False, True), 0)
    return Unit(sum(table.values()), won, lost, won + table.get((True, True), 0))
