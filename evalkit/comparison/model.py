"""The figures of a run, as they are handed on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.stats import Rate


@dataclass(frozen=True, slots=True)
class Leaks:
    """How many distinct cases stand in the training data; what passed of all others, and of these alone."""

    cases: int
    clean: Rate
    leaked: Rate


@dataclass(frozen=True, slots=True)
class VariantFigures:
    """How one variant did; None is unknown, never 0.

    Attributes:
        cases, records: distinct cases, and their repeats together.
        errors: records that got no answer; they are in no rate, mean or latency.
        unknown: answers that were neither passed nor failed.
        passed: over all checks. `form`: property checks, `content`: correctness checks; None without any.
        checks: the rate of every check, by name.
        prompt_tokens, completion_tokens: means as the server counted them; None if it left one answer out.
        tokens_change: of prompt_tokens against variant `prompted`, e.g. -0.89.
        cost_per_1k: USD for 1,000 such calls; None if the cost of one answer is unknown.
        latency_p50_ms, latency_p95_ms: of answers that were not cached.
        ttft_p50_ms: until the first token, of answers that came in a stream and were not cached.
        tokens_per_s: of the same answers together: tokens after the first, per second from the first on.
            None where nothing was streamed, or where the server did not count one answer's tokens.
        cached: answers out of the cache.
        refused, filtered, truncated, tool_calls: what the model did in place of a whole text; it fails.
        retries: requests that were sent again after a fault; cached answers' are not in it.
        possibly_billed: requests that brought no whole answer, yet the server may have charged them.
        judge_possibly_billed: the same of requests to the judge, which are in no other figure.
        leaks: what comes of cases that stand in the training data; None without any.
    """

    variant: str
    cases: int
    records: int
    cached: int
    errors: int
    unknown: int
    passed: Rate
    form: Rate | None
    content: Rate | None
    checks: Mapping[str, Rate]
    prompt_tokens: float | None
    completion_tokens: float | None
    tokens_change: float | None
    cost_per_1k: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    ttft_p50_ms: float | None
    tokens_per_s: float | None
    refused: int
    filtered: int
    truncated: int
    tool_calls: int
    retries: int
    possibly_billed: int
    judge_possibly_billed: int
    leaks: Leaks | None = None

    @property
    def failed(self) -> int:
        """Answers that failed."""
        return self.passed.n - self.passed.passed


@dataclass(frozen=True, slots=True)
class FailedCase:
    """One answer that failed: the first check that it failed, and the names of the others.

    `reason` and `got`, the answer, are cut after LONGEST_TEXT characters; "" where no text came.
    `new`: the baseline passed this case.
    """

    case: str
    variant: str
    repeat: int
    check: str
    reason: str
    got: str
    also: tuple[str, ...] = ()
    new: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """Whose failures count, and against whom they are new."""

    candidate: str = "ft"
    baseline: str = "prompted"


@dataclass(frozen=True, slots=True)
class SuiteFigures:
    """One suite: a row a variant, and its first failures.

    Attributes:
        failures: the first FAILURES_KEPT of each variant: new ones first, then by case and repeat.
        new_failures: how many of the candidate's failures the baseline passed, listed or not.
        errors: why records got no answer, each with its number, most frequent first.
        unknown_reasons: why verdicts are null, likewise.
    """

    name: str
    pair: Pair
    rows: tuple[VariantFigures, ...]
    failures: tuple[FailedCase, ...]
    new_failures: int
    errors: Mapping[str, int]
    unknown_reasons: Mapping[str, int]

    @property
    def watched(self) -> tuple[VariantFigures, ...]:
        """The variants whose failures are worth listing: the candidate, or all where it was not asked."""
        return tuple(row for row in self.rows if row.variant == self.pair.candidate) or self.rows

    def failures_of(self, variant: str) -> tuple[FailedCase, ...]:
        """The first of one variant."""
        return tuple(failure for failure in self.failures if failure.variant == variant)


@dataclass(frozen=True, slots=True)
class Comparison:
    """All suites by name, and `total`: a row a variant over all of them."""

    suites: tuple[SuiteFigures, ...]
    total: tuple[VariantFigures, ...]
