"""Two run folders -> what changed between them, suite by suite."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.comparison import Leaked
from evalkit.comparison.changes import AskedRow, Side, sides
from evalkit.errors import UsageError
from evalkit.gate.regression import SuiteChange, suite_change
from evalkit.run import read_info
from evalkit.run.gating import Gating, read_gating
from evalkit.run.leaks import leaked_cases
from evalkit.run.rows import open_rows_as
from evalkit.stats.multiple import holm

Names = Mapping[str, tuple[str, ...]]
"""Variants by suite."""


@dataclass(frozen=True, slots=True)
class RunChanges:
    """What changed between two runs.

    Attributes:
        before, now: the names of their folders.
        suites: those of both runs, by name, and by variant.
        gone, added: suites of the older, and of the newer run alone.
        notes: what a reader must know, a sentence each.
    """

    before: str
    now: str
    suites: tuple[SuiteChange, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Run:
    folder: Path
    info: Mapping[str, Any]
    gatings: Mapping[str, Gating]

    @classmethod
    def read(cls, folder: Path) -> _Run:
        info = read_info(folder)
        if missing := [name for name in ("plan", "gate") if name not in info]:
            what = f"{missing[0]} is missing: it is damaged, or of another version"
            raise UsageError(f"{folder}/run.json: {what}")
        return cls(folder, info, read_gating(info))

    def sides(self, variants: Names, leaked: Leaked) -> dict[tuple[str, str], Side]:
        for suite, names in variants.items():
            asked = self.info["plan"]["variants"][suite]
            if missing := [name for name in names if name not in asked]:
                known = ", ".join(asked)
                raise UsageError(f"{self.folder}: {suite}: {missing[0]} was not asked; there are {known}")
        with open_rows_as(self.folder, AskedRow) as rows:
            return sides(rows, variants, leaked, repeated=self.info["plan"]["repeat"] > 1)


def run_changes(before: Path, now: Path, variants: Sequence[str] = ()) -> RunChanges:
    """Compare two runs of the same suites, in one pass through the records of each.

    Args:
        before, now: their folders.
        variants: to be compared, each with itself; without any, the gate's candidates of both.

    Raises:
        UsageError: a folder holds no run, the runs share no suite, or a variant was not asked.
    """
    old, new = _Run.read(before), _Run.read(now)
    both = sorted(old.gatings.keys() & new.gatings.keys())
    if not both:
        names = f"{', '.join(old.gatings)} against {', '.join(new.gatings)}"
        raise UsageError(f"{before} and {now} share no suite: {names}; name two runs of the same suites")
    return RunChanges(
        before=before.resolve().name,
        now=now.resolve().name,
        suites=_corrected(_compared(old, new, both, variants)),
        gone=tuple(sorted(old.gatings.keys() - new.gatings.keys())),
        added=tuple(sorted(new.gatings.keys() - old.gatings.keys())),
        notes=tuple(_notes(old, new, both)),
    )


def _compared(old: _Run, new: _Run, suites: Sequence[str], variants: Sequence[str]) -> list[SuiteChange]:
    old_names, new_names = _names(old, suites, variants), _names(new, suites, variants)
    leaked = _leaked(old, new)
    before, now = old.sides(old_names, leaked), new.sides(new_names, leaked)
    return [
        suite_change(
            suite,
            (one, before[suite, one]),
            (other, now[suite, other]),
            new.gatings[suite].groups,
            new.gatings[suite].alpha,
        )
        for suite in suites
        for one, other in zip(old_names[suite], new_names[suite], strict=True)
    ]


def _names(run: _Run, suites: Sequence[str], variants: Sequence[str]) -> Names:
    named = tuple(dict.fromkeys(variants))
    return {suite: named or (run.gatings[suite].candidate,) for suite in suites}


def _leaked(*runs: _Run) -> Leaked:
    """The cases that stand in the training data of one run or the other, by suite."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for run in runs:
        for suite, cases in leaked_cases(run.info).items():
            found[suite].update(cases)
    return found


def _corrected(found: Sequence[SuiteChange]) -> tuple[SuiteChange, ...]:
    """With one-sided p-values for as many tests as there are: one bad run in twenty, however many suites."""
    worse = holm([each.p.worse for each in found])
    better = holm([each.p.better for each in found])
    failed = holm([each.p.worse_if_failed for each in found])
    corrected = zip(found, worse, better, failed, strict=True)
    return tuple(
        replace(each, p=replace(each.p, worse=p_worse, better=p_better, worse_if_failed=p_failed))
        for each, p_worse, p_better, p_failed in corrected
    )


def _notes(old: _Run, new: _Run, suites: Sequence[str]) -> Iterator[str]:
    """What else changed, and may be why."""
    for what, told in (("suites", "prompt, checks or cases"), ("judges", "judge")):
        before, now = old.info["plan"].get(what, {}), new.info["plan"].get(what, {})
        changed = [suite for suite in suites if before.get(suite) != now.get(suite)]
        if changed:
            yield f"Between the runs the {told} changed of: {', '.join(changed)}."
    for suite, cases in _leaked(old, new).items():
        yield f"{suite}: cases that stand in training data are left out: {len(cases)}."
    for run in (old, new):
        if run.info.get("partial"):
            yield f"{run.folder.resolve().name} is a partial run."
