"""Which questions are asked, and in which order; and what that will roughly cost."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evalkit.errors import NothingCollected
from evalkit.run.options import RunOptions
from evalkit.suite.model import Case, Suite, Variant

TaskKey = tuple[str, str, str, int]
"""(suite, case, variant, repeat): names one record of a run."""


@dataclass(frozen=True, slots=True)
class Task:
    """One question still to be asked. `repeat` counts from 0."""

    suite: Suite
    case: Case
    variant: Variant
    repeat: int

    @property
    def key(self) -> TaskKey:
        """What names its record."""
        return (self.suite.name, self.case.id, self.variant.name, self.repeat)


@dataclass(frozen=True, slots=True)
class Plan:
    """All tasks of a run, in the order in which they are asked."""

    tasks: tuple[Task, ...]

    def without(self, done: frozenset[TaskKey]) -> Plan:
        """The same plan, less what has been answered."""
        return Plan(tuple(task for task in self.tasks if task.key not in done))


def make_plan(
    suites: Sequence[Suite], variants: Mapping[str, tuple[Variant, ...]], options: RunOptions
) -> Plan:
    """Cross cases, variants (by suite name) and repeats, in an order that depends on the seed alone.

    A case's variants stand together, in shuffled order: they are asked under the same load, so that
    latencies can be compared and an interrupted run leaves pairs.

    Raises:
        NothingCollected: no case is left.
    """
    rng = random.Random(options.seed)
    turns = [(suite, case, repeat) for suite, case in _cases(suites) for repeat in range(options.repeat)]
    rng.shuffle(turns)
    tasks = []
    for suite, case, repeat in turns:
        of_suite = variants[suite.name]
        tasks += [Task(suite, case, variant, repeat) for variant in rng.sample(of_suite, len(of_suite))]
    if not tasks:
        raise NothingCollected("no case is left to ask; look at -k, -m, --limit and --variants")
    return Plan(tuple(tasks))


def _cases(suites: Sequence[Suite]) -> Iterator[tuple[Suite, Case]]:
    return ((suite, case) for suite in suites for case in suite.cases)
