"""A variant's records, added up one by one."""

from __future__ import annotations

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from evalkit.comparison.hashset import HashSet
from evalkit.comparison.model import Leaks, VariantFigures
from evalkit.comparison.quantile import quantile
from evalkit.config import rank
from evalkit.run.codec import passed as all_of
from evalkit.run.records import WHOLE
from evalkit.run.rows import Row, RowVerdict
from evalkit.stats import Rate

PROMPTED = "prompted"
"""The variant with whose prompt all others' are compared."""

_INSTEAD = {
    "refusal": "refused",
    "content_filter": "filtered",
    "length": "truncated",
    "tool_calls": "tool_calls",
}
"""What the check for wholeness found -> the figure that counts it."""


@dataclass(slots=True)
class Share:
    """A rate that grows; what was not decided is in neither number."""

    passed: int = 0
    n: int = 0

    def add(self, passed: bool | None) -> None:
        """Count one observation."""
        if passed is not None:
            self.n += 1
            self.passed += passed

    def join(self, other: Share) -> None:
        """Count all of another's."""
        self.n += other.n
        self.passed += other.passed

    @property
    def rate(self) -> Rate:
        """As it stands."""
        return Rate(self.passed, self.n)


@dataclass(slots=True)
class Mean:
    """A mean that grows; unknown from the first unknown value on, for the rest need not be like it."""

    total: float = 0.0
    n: int = 0
    unknown: int = 0

    def add(self, value: float | None) -> None:
        """Count one value."""
        if value is None:
            self.unknown += 1
        else:
            self.total += value
            self.n += 1

    def join(self, other: Mean) -> None:
        """Count all of another's."""
        self.total += other.total
        self.n += other.n
        self.unknown += other.unknown

    @property
    def of(self) -> int:
        """How many values were counted, unknown ones included."""
        return self.n + self.unknown

    @property
    def value(self) -> float | None:
        """As it stands; None of nothing."""
        return self.total / self.n if self.n and not self.unknown else None


@dataclass(slots=True)
class Values:
    """Numbers that are kept for their quantiles, in 8 bytes each; joined, they are shared, not copied."""

    parts: list[array[float]] = field(default_factory=lambda: [array("d")])

    def add(self, value: float) -> None:
        """Keep one."""
        self.parts[0].append(value)

    def join(self, other: Values) -> None:
        """Take all of another's in."""
        self.parts += other.parts

    def quantiles(self, *shares: float) -> list[float | None]:
        """As `quantile`; sorting takes 32 bytes a number for a while."""
        ordered = sorted(chain.from_iterable(self.parts))
        return [quantile(ordered, share) for share in shares]


@dataclass(slots=True)
class Times:
    """Latency, time to first token and speed, of answers that were asked for."""

    latency_ms: Values = field(default_factory=Values)
    ttft_ms: Values = field(default_factory=Values)
    tokens: Mean = field(default_factory=Mean)
    seconds: Mean = field(default_factory=Mean)

    def add(self, row: Row) -> None:
        """Count an answer that was not cached."""
        if row.latency_ms is None:
            return
        self.latency_ms.add(row.latency_ms)
        if row.ttft_ms is not None:
            self.ttft_ms.add(row.ttft_ms)
            tokens = row.usage.completion_tokens
            self.tokens.add(None if tokens is None else max(0.0, tokens - 1))
            self.seconds.add((row.latency_ms - row.ttft_ms) / 1000)

    def join(self, other: Times) -> None:
        """Count all of another's."""
        self.latency_ms.join(other.latency_ms)
        self.ttft_ms.join(other.ttft_ms)
        self.tokens.join(other.tokens)
        self.seconds.join(other.seconds)

    @property
    def tokens_per_s(self) -> float | None:
        """All tokens after the first of each answer, by all the time from the first token to the end."""
        tokens, seconds = self.tokens.value, self.seconds.value
        return tokens / seconds if tokens is not None and seconds else None


@dataclass(slots=True)
class Tally:
    """What a variant's records add up to, in one suite or in several.

    In memory it takes 12 to 24 bytes a distinct case, and 8 bytes of each answer that was not cached, or 16
    where it was streamed; all else is of one size.
    """

    counts: Counter[str] = field(default_factory=Counter)
    seen: HashSet = field(default_factory=HashSet)
    passed: Share = field(default_factory=Share)
    form: Share = field(default_factory=Share)
    content: Share = field(default_factory=Share)
    clean: Share = field(default_factory=Share)
    leaked: Share = field(default_factory=Share)
    checks: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    prompt_tokens: Mean = field(default_factory=Mean)
    completion_tokens: Mean = field(default_factory=Mean)
    cost_usd: Mean = field(default_factory=Mean)
    times: Times = field(default_factory=Times)

    def add(self, row: Row, *, leaked: bool) -> None:
        """Count one record; `leaked`: its case stands in the training data."""
        counts = self.counts
        counts["records"] += 1
        if self.seen.add(hash(row.case)):
            counts["cases"] += 1
            counts["leaked_cases"] += leaked
        if not row.cached:
            counts["retries"] += max(0, row.attempts - 1)
        self.add_charges(row)
        if row.answered:
            self._add_answer(row, leaked=leaked)
        else:
            counts["errors"] += 1

    def add_charges(self, row: Row) -> None:
        """Count what a record may have cost without bringing an answer."""
        self.counts["possibly_billed"] += row.possibly_billed
        self.counts["judge_possibly_billed"] += row.judge.possibly_billed

    def _add_answer(self, row: Row, *, leaked: bool) -> None:
        passed = row.passed
        self.passed.add(passed)
        self.counts["unknown"] += passed is None
        (self.leaked if leaked else self.clean).add(passed)
        self._add_verdicts(row.verdicts)
        self.prompt_tokens.add(row.usage.prompt_tokens)
        self.completion_tokens.add(row.usage.completion_tokens)
        self.cost_usd.add(row.cost_usd)
        if row.cached:
            self.counts["cached"] += 1
        else:
            self.times.add(row)

    def _add_verdicts(self, verdicts: Sequence[RowVerdict]) -> None:
        for kind, share in (("property", self.form), ("correctness", self.content)):
            found = [verdict for verdict in verdicts if verdict.kind == kind]
            if found:
                share.add(all_of(found))
        for verdict in verdicts:
            if verdict.check != WHOLE:
                self.checks[verdict.check].add(verdict.passed)
                self.counts[verdict.kind] += 1
            elif verdict.passed is False:
                self.counts[_INSTEAD.get(str(verdict.value), "")] += 1

    def join(self, other: Tally) -> None:
        """Count all of another suite's; its cases are others, whatever their ids."""
        self.counts.update(other.counts)
        for name in _JOINED:
            getattr(self, name).join(getattr(other, name))
        for check, share in other.checks.items():
            self.checks[check].join(share)

    def figures(self, variant: str, tokens_change: float | None) -> VariantFigures:
        """All figures; `tokens_change` is of `token_changes`."""
        tokens, cost = self.prompt_tokens.value, self.cost_usd.value
        p50_ms, p95_ms = self.times.latency_ms.quantiles(0.50, 0.95)
        (ttft_p50_ms,) = self.times.ttft_ms.quantiles(0.50)
        return VariantFigures(
            variant=variant,
            passed=self.passed.rate,
            form=self.form.rate if self.counts["property"] else None,
            content=self.content.rate if self.counts["correctness"] else None,
            checks={check: share.rate for check, share in self.checks.items()},
            prompt_tokens=tokens,
            completion_tokens=self.completion_tokens.value,
            tokens_change=tokens_change,
            cost_per_1k=None if cost is None else 1000 * cost,
            latency_p50_ms=p50_ms,
            latency_p95_ms=p95_ms,
            ttft_p50_ms=ttft_p50_ms,
            tokens_per_s=self.times.tokens_per_s,
            leaks=self._leaks(),
            **{name: self.counts[name] for name in _COUNTED},
        )

    def _leaks(self) -> Leaks | None:
        cases = self.counts["leaked_cases"]
        return Leaks(cases, self.clean.rate, self.leaked.rate) if cases else None


_JOINED = (
    "passed", "form", "content", "clean", "leaked", "prompt_tokens", "completion_tokens", "cost_usd", "times",
)  # fmt: skip
_COUNTED = (
    "cases", "records", "cached", "errors", "unknown", "retries", "possibly_billed", "judge_possibly_billed",
    *_INSTEAD.values(),
)  # fmt: skip


def variant_rows(
    tallies: Mapping[str, Tally], changes: Mapping[str, float | None]
) -> tuple[VariantFigures, ...]:
    """The ready-made variants first, then the others by name."""
    order = sorted(tallies, key=lambda name: (rank(name), name))
    return tuple(tallies[name].figures(name, changes.get(name)) for name in order)


def token_changes(suites: Iterable[Mapping[str, Tally]]) -> dict[str, float | None]:
    """By variant: the mean tokens of its prompts against those of `prompted`, over the suites in which both
    were answered; -0.9 for a tenth of them, None where they are unknown."""
    own: defaultdict[str, Mean] = defaultdict(Mean)
    before: defaultdict[str, Mean] = defaultdict(Mean)
    for tallies in suites:
        answered = {name: tally.prompt_tokens for name, tally in tallies.items() if tally.prompt_tokens.of}
        for name in answered.keys() - {PROMPTED} if PROMPTED in answered else ():
            own[name].join(answered[name])
            before[name].join(answered[PROMPTED])
    return {name: _change(own[name].value, before[name].value) for name in own}


def _change(tokens: float | None, before: float | None) -> float | None:
    return None if tokens is None or not before else tokens / before - 1
