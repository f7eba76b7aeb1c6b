"""Which questions are asked, and in which order: worked out as they are asked, none of them kept."""

from __future__ import annotations

import random
from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from itertools import accumulate

from evalkit.errors import NothingCollected
from evalkit.run.options import RunOptions
from evalkit.suite.model import Case, Suite, Variant

TaskKey = tuple[str, str, str, int]
"""(suite, case, variant, repeat): names one record of a run."""

Variants = Mapping[str, tuple[Variant, ...]]
"""By suite name."""


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
class Share:
    """The part of a plan that one of several workers takes: every `of`-th turn, from turn `first` on."""

    first: int = 0
    of: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """All tasks of a run, in the order in which they are asked; made anew each time they are gone through.

    A case's variants stand together, in shuffled order: they are asked under the same load, so that latencies
    can be compared and an interrupted run leaves pairs. The order depends on the seed alone.

    Attributes:
        suites: with the selected cases.
        variants: by suite name.
        repeat: how often each case is asked of each variant.
        seed: of the order.
        done: what is left out, as `mark` has it: 8 bytes each where a key would take 300.
        share: which part of it all.
    """

    suites: tuple[Suite, ...]
    variants: Variants
    repeat: int = 1
    seed: int = 0
    done: Collection[int] = field(default=frozenset())
    share: Share = Share()

    @property
    def whole(self) -> int:
        """How many tasks there are, those that are done included."""
        return self.repeat * sum(len(suite.cases) * len(self.variants[suite.name]) for suite in self.suites)

    def __len__(self) -> int:
        """How many are left, over all shares."""
        return self.whole - len(self.done)

    def __iter__(self) -> Iterator[Task]:
        for suite, index, repeat, variants in self._turns():
            case = suite.cases[index]
            for variant in variants:
                task = Task(suite, case, variant, repeat)
                if not self.done or mark(task.key) not in self.done:
                    yield task

    def without(self, done: Collection[int]) -> Plan:
        """The same plan, less what has been answered; `done` holds the marks of tasks of this plan."""
        return replace(self, done=done)

    def part(self, first: int, of: int) -> Plan:
        """The share of one of several workers."""
        return replace(self, share=Share(first, of))

    def _turns(self) -> Iterator[tuple[Suite, int, int, Sequence[Variant]]]:
        """Suite, place of the case in it, repeat, and the variants in their order; of this share."""
        rng = random.Random(self.seed)
        ends = list(accumulate(len(suite.cases) * self.repeat for suite in self.suites))
        turns = array("Q", range(ends[-1] if ends else 0))
        rng.shuffle(turns)
        for place, turn in enumerate(turns):
            number = bisect_right(ends, turn)
            suite = self.suites[number]
            of_suite = self.variants[suite.name]
            variants = rng.sample(of_suite, len(of_suite))  # drawn in every share, so that all draw the same
            if place % self.share.of == self.share.first:
                index, repeat = divmod(turn - (ends[number - 1] if number else 0), self.repeat)
                yield suite, index, repeat, variants


def mark(key: TaskKey) -> int:
    """A task's key in 64 bits, the same in every process: among a million, two are alike once in 40 million
    runs."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest())


def make_plan(suites: Sequence[Suite], variants: Variants, options: RunOptions) -> Plan:
    """Cross cases, variants and repeats.

    Raises:
        NothingCollected: no case is left.
    """
    plan = Plan(tuple(suites), variants, options.repeat, options.seed)
    if not plan.whole:
        raise NothingCollected("no case is left to ask; look at -k, -m, --limit and --variants")
    return plan
