"""Four arms, {base, ft} x {short prompt, long prompt}: what tuning brought, and what the prompt brought.

Each is a difference of two pass rates on the same cases, with Tango's interval; where answers hang together
(repeats, groups), of groups, with Student's t. Over several suites the cases of all are counted together.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from evalkit.run.gating import read_gating
from evalkit.run.leaks import leaked_cases
from evalkit.run.rows import Row
from evalkit.stats import Interval, Pairs, tango

ARMS = ("base", "prompted", "ft", "ft_prompted")

EFFECTS = (("ft", "base"), ("ft_prompted", "prompted"), ("prompted", "base"), ("ft_prompted", "ft"))
"""After and before: tuning, tuning under the prompt, the prompt, and a prompt that was left over."""

FEWEST = 3
"""Arms that must have been asked: three tell two of the effects."""

ALL = ""
"""In place of a suite's name: all of them together."""

_UNDECIDED, _FAILED, _PASSED = 1, 2, 3
"""How an arm's answer to a turn, a case's repeat, is noted: in two bits; 0 where it is missing."""

_CODES = {None: _UNDECIDED, False: _FAILED, True: _PASSED}

_BITS = 2 * len(ARMS)


@dataclass(frozen=True, slots=True)
class Design:
    """How a suite was asked.

    Attributes:
        arms: those of ARMS that were, in their order.
        groups: by case, where cases hang together. leaked: cases of the training data, which do not count.
        repeated: whether a case was asked several times.
    """

    arms: tuple[str, ...]
    groups: Mapping[str, str] = field(default_factory=dict)
    leaked: Collection[str] = ()
    repeated: bool = False

    @property
    def clustered(self) -> bool:
        """Whether answers hang together."""
        return self.repeated or bool(self.groups)


@dataclass(frozen=True, slots=True)
class Effect:
    """What one change did to the pass rate.

    Attributes:
        after, before: the two arms.
        pairs: of cases, or of groups where answers hang together. `interval`: of their difference, 95%.
        left_out: pairs of answers of which one is missing or was not decided.
    """

    after: str
    before: str
    pairs: Pairs
    interval: Interval | None
    left_out: int

    @property
    def difference(self) -> float | None:
        """Of the pass rates, in [-1, 1]; None of nothing."""
        return self.pairs.difference if self.pairs.n else None


@dataclass(frozen=True, slots=True)
class Arms:
    """The effects that the arms of a suite tell, in the order of EFFECTS."""

    effects: tuple[Effect, ...]

    def of(self, after: str, before: str) -> Effect | None:
        """One of them; None where one of its arms was not asked."""
        return next((each for each in self.effects if (each.after, each.before) == (after, before)), None)


def designs(info: Mapping[str, Any]) -> dict[str, Design]:
    """How each suite was asked, from run.json; without suites of which too few arms were.

    Raises:
        UsageError: run.json is damaged.
    """
    plan, gatings, leaked = info["plan"], read_gating(info), leaked_cases(info)
    found = {}
    for suite, variants in plan["variants"].items():
        arms = tuple(arm for arm in ARMS if arm in variants)
        if len(arms) >= FEWEST:
            groups = gatings[suite].groups if suite in gatings else {}
            found[suite] = Design(arms, groups, leaked.get(suite, ()), plan.get("repeat", 1) > 1)
    return found


def arms_of(rows: Iterable[Row], designs: Mapping[str, Design]) -> dict[str, Arms]:
    """By suite, and under ALL over all of them where there are several, in one pass over a run's records.

    Of a turn nothing is kept once all its arms have come; 9 bytes where answers hang together, and five times
    as much for a moment in the end.
    """
    tallies = {suite: Tally(design) for suite, design in designs.items()}
    for row in rows if tallies else ():
        if row.suite in tallies:
            tallies[row.suite].add(row)
    for tally in tallies.values():
        tally.finish()
    found = {suite: _arms([tallies[suite]]) for suite in sorted(tallies)}
    return found | {ALL: _arms(list(tallies.values()))} if len(found) > 1 else found


@dataclass(slots=True)
class Tally:
    """What the records of a suite add up to: how often each combination of the arms' notes was found; by
    group, where answers hang together.

    What is kept of a turn until all arms have come is one number: the hash of its group, then the notes.
    """

    design: Design
    turns: int = 0
    _cells: Counter[int] = field(default_factory=Counter)
    _groups: array[int] = field(default_factory=lambda: array("q"))
    _notes: bytearray = field(default_factory=bytearray)
    _waiting: dict[int, int] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one record; other variants' and leaked cases' are passed over."""
        arms = self.design.arms
        if row.variant not in arms or row.case in self.design.leaked:
            return
        turn, place = hash((row.case, row.repeat)), 2 * arms.index(row.variant)
        found = self._waiting.pop(turn, self._group(row.case) << _BITS)
        found = found & ~(3 << place) | _CODES[row.passed] << place
        if all(found >> 2 * number & 3 for number in range(len(arms))):
            self._count(found)
        else:
            self._waiting[turn] = found

    def finish(self) -> None:
        """Count the turns of which an arm is missing: to be called when all records are in."""
        for found in self._waiting.values():
            self._count(found)
        self._waiting.clear()

    def pairs(self, effect: tuple[str, str]) -> Iterator[Pairs]:
        """The answers of which both are known: a table a group, or one where nothing hangs together."""
        after, before = (2 * self.design.arms.index(arm) for arm in effect)
        for cells in self._units():
            table: Counter[tuple[int, int]] = Counter()
            for notes, count in cells.items():
                table[notes >> after & 3, notes >> before & 3] += count
            won, lost = table[_PASSED, _FAILED], table[_FAILED, _PASSED]
            yield Pairs(won + lost + table[_PASSED, _PASSED] + table[_FAILED, _FAILED], won, lost)

    def _count(self, found: int) -> None:
        notes = found & (1 << _BITS) - 1
        self.turns += 1
        if self.design.clustered:
            self._groups.append(found >> _BITS)
            self._notes.append(notes)
        else:
            self._cells[notes] += 1

    def _units(self) -> Iterator[Counter[int]]:
        if not self.design.clustered:
            yield self._cells
            return
        order = sorted(range(self.turns), key=self._groups.__getitem__)
        for _, places in groupby(order, key=self._groups.__getitem__):
            yield Counter(self._notes[place] for place in places)

    def _group(self, case: str) -> int:
        """A hash; 0 for all, where nothing hangs together."""
        if not self.design.clustered:
            return 0
        group = self.design.groups.get(case)
        return hash(("case", case) if group is None else ("group", group))


def _arms(tallies: Sequence[Tally]) -> Arms:
    found = []
    for effect in EFFECTS:
        asked = [tally for tally in tallies if set(effect) <= set(tally.design.arms)]
        if asked:
            found.append(_effect(effect, asked))
    return Arms(tuple(found))


def _effect(effect: tuple[str, str], tallies: Sequence[Tally]) -> Effect:
    found = [(tally, list(tally.pairs(effect))) for tally in tallies]
    parts = [pairs for _, tables in found for pairs in tables]
    pairs = Pairs(*(sum(getattr(part, name) for part in parts) for name in ("n", "won", "lost")))
    left_out = sum(tally.turns for tally in tallies) - int(pairs.n)
    if not any(tally.design.clustered for tally in tallies):
        return Effect(*effect, pairs, tango(pairs), left_out)
    from evalkit.stats.clusters import cluster_interval, cluster_pairs  # loads scipy

    differences = [value for tally, tables in found for value in _differences(tables, tally.design.clustered)]
    return Effect(*effect, cluster_pairs(differences), cluster_interval(differences), left_out)


def _differences(tables: Iterable[Pairs], clustered: bool) -> Iterator[float]:
    """Of each group, or of each answer where none hang together."""
    for pairs in tables:
        if clustered and pairs.n:
            yield pairs.difference
        elif not clustered:
            yield from [1.0] * int(pairs.won) + [-1.0] * int(pairs.lost)
            yield from [0.0] * int(pairs.n - pairs.won - pairs.lost)
