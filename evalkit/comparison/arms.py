"""Four arms, {base, ft} x {short prompt, long prompt}: what tuning brought, and what the prompt brought.

Each is a difference of two pass rates on the same cases, with Tango's interval; where answers hang together
(repeats, groups), of groups, with Student's t. Over several suites the cases of all are counted together.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
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

ALL = "(all)"
"""Stands for all suites together; no folder of a suite is called so."""

States = tuple[bool | None, ...]
"""Whether each arm passed, in the order of a design's; None where it is missing or was not decided."""


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

    Little is kept: of a case only while not all its arms have come, and a counter a group.
    """
    tallies = {suite: Tally(design) for suite, design in designs.items()}
    for row in rows if tallies else ():
        if row.suite in tallies:
            tallies[row.suite].add(row)
    found = {suite: _arms([tallies[suite]]) for suite in sorted(tallies)}
    return found | {ALL: _arms(list(tallies.values()))} if len(found) > 1 else found


@dataclass(slots=True)
class Tally:
    """What the records of a suite add up to: how often each combination of states was found, by group."""

    design: Design
    _groups: defaultdict[str | None, Counter[States]] = field(default_factory=lambda: defaultdict(Counter))
    _waiting: dict[tuple[str, int], dict[str, bool | None]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Count one record; other variants' and leaked cases' are passed over."""
        if row.variant not in self.design.arms or row.case in self.design.leaked:
            return
        turn = (row.case, row.repeat)
        found = self._waiting.setdefault(turn, {})
        found[row.variant] = row.passed
        if len(found) == len(self.design.arms):
            self._groups[self._group(row.case)][self._states(self._waiting.pop(turn))] += 1

    def tables(self, effect: tuple[str, str]) -> list[Counter[States]]:
        """How often each pair of states, after and before, was found: a table a group."""
        after, before = map(self.design.arms.index, effect)
        found = []
        for cells in self._counted():
            table: Counter[States] = Counter()
            for states, count in cells.items():
                table[states[after], states[before]] += count
            found.append(table)
        return found

    def _counted(self) -> Iterator[Counter[States]]:
        """By group, with the turns of which an arm is still missing."""
        late: defaultdict[str | None, Counter[States]] = defaultdict(Counter)
        for (case, _), found in self._waiting.items():
            late[self._group(case)][self._states(found)] += 1
        for group in self._groups.keys() | late.keys():
            yield self._groups.get(group, Counter()) + late.get(group, Counter())

    def _group(self, case: str) -> str | None:
        """None for all, where nothing hangs together."""
        if not self.design.clustered:
            return None
        group = self.design.groups.get(case)
        return f"case {case}" if group is None else f"group {group}"

    def _states(self, found: Mapping[str, bool | None]) -> States:
        return tuple(found.get(arm) for arm in self.design.arms)


def _arms(tallies: Sequence[Tally]) -> Arms:
    found = []
    for effect in EFFECTS:
        asked = [tally for tally in tallies if set(effect) <= set(tally.design.arms)]
        if asked:
            found.append(_effect(effect, asked))
    return Arms(tuple(found))


def _effect(effect: tuple[str, str], tallies: Sequence[Tally]) -> Effect:
    counted = [(tally.tables(effect), tally.design.clustered) for tally in tallies]
    left_out = sum(_left_out(table) for tables, _ in counted for table in tables)
    if any(clustered for _, clustered in counted):
        from evalkit.stats.clusters import cluster_interval, cluster_pairs  # loads scipy

        differences = [value for tables, clustered in counted for value in _differences(tables, clustered)]
        return Effect(*effect, cluster_pairs(differences), cluster_interval(differences), left_out)
    parts = [_pairs(table) for tables, _ in counted for table in tables]
    pairs = Pairs(*(sum(getattr(part, name) for part in parts) for name in ("n", "won", "lost")))
    return Effect(*effect, pairs, tango(pairs), left_out)


def _pairs(table: Counter[States]) -> Pairs:
    """Those of which both are known."""
    return Pairs(table.total() - _left_out(table), table[True, False], table[False, True])


def _left_out(table: Counter[States]) -> int:
    return sum(count for states, count in table.items() if None in states)


def _differences(tables: Iterable[Counter[States]], clustered: bool) -> Iterator[float]:
    """Of each group, or of each answer where none hang together."""
    for pairs in map(_pairs, tables):
        if clustered and pairs.n:
            yield pairs.difference
        elif not clustered:
            yield from [1.0] * int(pairs.won) + [-1.0] * int(pairs.lost)
            yield from [0.0] * int(pairs.n - pairs.won - pairs.lost)
