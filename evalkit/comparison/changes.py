"""Two runs of the same suites, case by case: what is newly failing, newly passing, or flipping.

A case passes in a run where more than half of its decided answers do, so that one odd answer among repeats is
no change. Where its answers within one run differ it flips, whatever the majority says. A case whose question
is another than before, under the same id, is no longer the same: it is named, and counts for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from math import isfinite
from typing import Any

from evalkit.comparison.noise import Noise, NoiseTally
from evalkit.endpoints.base import INSTRUCTS
from evalkit.jsontext import encode
from evalkit.run.rows import Row, RowVerdict
from evalkit.stats import Rate

LONGEST_REASON = 200


class ScoredVerdict(RowVerdict, frozen=True, gc=False):
    """A verdict with its score in [0, 1]."""

    score: float | None = None


class AskedRow(Row, frozen=True, gc=False, kw_only=True):
    """A record with what was asked, and scores."""

    verdicts: tuple[ScoredVerdict, ...]
    request: Mapping[str, Any] = {}

    @property
    def question(self) -> int:
        """A digest of what was asked; how to answer (the system message) is no part of it."""
        messages = self.request.get("messages")
        asked = [message for message in messages or () if message.get("role") not in INSTRUCTS]
        text = encode(self.request.get("prompt") if messages is None else asked)
        return int.from_bytes(blake2b(text, digest_size=8).digest())

    @property
    def score(self) -> float | None:
        """The mean of its verdicts' scores."""
        scores = [verdict.score for verdict in self.verdicts if verdict.score is not None]
        return sum(scores) / len(scores) if scores and self.answered else None

    @property
    def why(self) -> str:
        """The first check that it failed, and the reason."""
        failed = (f"{each.check}  {each.reason}" for each in self.verdicts if each.passed is False)
        return next(failed, "")[:LONGEST_REASON]


@dataclass(slots=True)
class Sum:
    """Values of one case; what is unknown or no number is left out."""

    total: float = 0.0
    n: int = 0

    def add(self, value: float | None) -> None:
        """Count one."""
        if value is not None and isfinite(value):
            self.total += value
            self.n += 1

    @property
    def mean(self) -> float | None:
        """None of nothing."""
        return self.total / self.n if self.n else None


@dataclass(slots=True)
class Answers:
    """All answers that one variant gave to one case.

    Attributes:
        question: the digest of what was asked.
        passed, failed, unknown: how many; unknown ones did not come, or were not decided.
        why: the first failure's reason.
    """

    question: int
    passed: int = 0
    failed: int = 0
    unknown: int = 0
    why: str = ""
    score: Sum = field(default_factory=Sum)
    cost_usd: Sum = field(default_factory=Sum)
    latency_ms: Sum = field(default_factory=Sum)

    def add(self, row: AskedRow) -> None:
        """Count one; a cached answer's latency is that of another run."""
        self.passed += row.passed is True
        self.failed += row.passed is False
        self.unknown += row.passed is None
        self.why = self.why or row.why
        self.score.add(row.score)
        if row.answered:
            self.cost_usd.add(row.cost_usd)
            self.latency_ms.add(None if row.cached else row.latency_ms)

    @property
    def n(self) -> int:
        """All of them."""
        return self.passed + self.failed + self.unknown

    @property
    def rate(self) -> Rate:
        """Of those that were decided."""
        return Rate(self.passed, self.passed + self.failed)

    @property
    def passes(self) -> bool:
        """More than half of its decided answers do."""
        return self.passed > self.failed

    @property
    def flips(self) -> bool:
        """Some passed and some failed."""
        return bool(self.passed and self.failed)


@dataclass(slots=True)
class Side:
    """One variant of one suite in one run: its answers by case, and its noise."""

    cases: dict[str, Answers] = field(default_factory=dict)
    tally: NoiseTally = field(default_factory=NoiseTally)

    def add(self, row: AskedRow, *, repeated: bool) -> None:
        """Count one record."""
        found = self.cases.get(row.case)
        if found is None:
            found = self.cases[row.case] = Answers(row.question)
        found.add(row)
        if repeated:
            self.tally.add(row)


def sides(
    rows: Iterable[AskedRow],
    variants: Mapping[str, Collection[str]],
    leaked: Mapping[str, Collection[str]],
    *,
    repeated: bool,
) -> dict[tuple[str, str], Side]:
    """What a run's records add up to, by suite and variant.

    Args:
        variants: by suite, those that are compared.
        leaked: by suite, cases that are passed over.
        repeated: whether cases were asked several times, so that there is noise to be found.
    """
    found = {(suite, variant): Side() for suite, names in variants.items() for variant in names}
    for row in rows:
        side = found.get((row.suite, row.variant))
        if side is not None and row.case not in leaked.get(row.suite, ()):
            side.add(row, repeated=repeated)
    return found


@dataclass(frozen=True, slots=True)
class CaseChange:
    """One case: what passed of its answers in both runs, and why it fails where it does."""

    case: str
    before: Rate
    now: Rate
    why: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed of one suite between two variants, mostly one and the same in two runs. Cases by id.

    Attributes:
        failing, passing: newly.
        flipping, flipped: cases whose repeats differ, now and before.
        gone, added: cases of the older, and of the newer run alone.
        reworded: cases that are asked something else.
        undecided: cases without a decided answer in one of the runs.
        noise: of the newer run, else of the older one.
    """

    failing: tuple[CaseChange, ...]
    passing: tuple[CaseChange, ...]
    flipping: tuple[CaseChange, ...]
    flipped: tuple[CaseChange, ...]
    gone: tuple[str, ...]
    added: tuple[str, ...]
    reworded: tuple[str, ...]
    undecided: tuple[str, ...]
    noise: Noise | None


Matched = Mapping[str, tuple[Answers, Answers]]
"""By case: its answers before and now, to the same question."""


def matched(before: Side, now: Side) -> Matched:
    """The cases that both were asked, in the same words."""
    both = before.cases.keys() & now.cases.keys()
    pairs = {case: (before.cases[case], now.cases[case]) for case in sorted(both)}
    return {case: pair for case, pair in pairs.items() if pair[0].question == pair[1].question}


def changes(before: Side, now: Side) -> Changes:
    """What changed, case by case."""
    same = matched(before, now)
    decided = {case: pair for case, pair in same.items() if all(each.rate.n for each in pair)}
    return Changes(
        failing=tuple(_where(decided, lambda old, new: old.passes and not new.passes)),
        passing=tuple(_where(decided, lambda old, new: new.passes and not old.passes)),
        flipping=tuple(_where(decided, lambda _, new: new.flips)),
        flipped=tuple(_where(decided, lambda old, _: old.flips)),
        gone=tuple(sorted(before.cases.keys() - now.cases.keys())),
        added=tuple(sorted(now.cases.keys() - before.cases.keys())),
        reworded=tuple(sorted((before.cases.keys() & now.cases.keys()) - same.keys())),
        undecided=tuple(case for case in same if case not in decided),
        noise=now.tally.noise or before.tally.noise,
    )


def _where(decided: Matched, chosen: Callable[[Answers, Answers], bool]) -> Iterator[CaseChange]:
    for case, (old, new) in decided.items():
        if chosen(old, new):
            yield CaseChange(case, old.rate, new.rate, new.why or old.why)
