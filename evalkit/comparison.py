"""Records -> figures: per suite and variant, and over all suites. All are computed from the records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from evalkit.checks.base import CheckKind
from evalkit.config.load import READY_MADE
from evalkit.run.codec import passed as all_of
from evalkit.run.grading import WHOLE
from evalkit.run.records import Record
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
        errors: records that got no answer; they are in no other figure.
        unknown: answers that were neither passed nor failed.
        passed: over all checks. `form`: property checks, `content`: correctness checks; None without any.
        checks: the rate of every check, by name.
        prompt_tokens, completion_tokens: means as the server counted them; None if it left one answer out.
        tokens_change: of prompt_tokens against variant `prompted`, e.g. -0.89.
        cost_per_1k: USD for 1,000 such calls; None if the cost of one answer is unknown.
        latency_p50_ms, latency_p95_ms: of answers that were not cached.
        cached: answers out of the cache.
        refused, filtered, truncated, tool_calls: what the model did in place of a whole text; it fails.
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
    refused: int
    filtered: int
    truncated: int
    tool_calls: int
    leaks: Leaks | None = None


@dataclass(frozen=True, slots=True)
class FailedCase:
    """One answer that failed: the first check that it failed, and the names of the others.

    `got` is the whole answer, "" where no text came. `new`: the baseline passed this case.
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
    """One suite: a row a variant, and every failed answer.

    `errors`: why records got no answer, `unknown_reasons`: why verdicts are null; each with its number.
    """

    name: str
    pair: Pair
    rows: tuple[VariantFigures, ...]
    failures: tuple[FailedCase, ...]
    errors: Mapping[str, int]
    unknown_reasons: Mapping[str, int]

    @property
    def watched(self) -> tuple[str, ...]:
        """The variants whose failures are worth listing: the candidate, or all where it was not asked."""
        variants = tuple(row.variant for row in self.rows)
        return (self.pair.candidate,) if self.pair.candidate in variants else variants


@dataclass(frozen=True, slots=True)
class Comparison:
    """All suites by name, and `total`: a row a variant over all of them."""

    suites: tuple[SuiteFigures, ...]
    total: tuple[VariantFigures, ...]


Leaked = Mapping[str, Collection[str]]  # by suite: the ids of the cases that stand in the training data


def compare(
    records: Iterable[Record], pairs: Mapping[str, Pair] | None = None, leaked: Leaked | None = None
) -> Comparison:
    """The figures of a run.

    Args:
        records: of any number of suites, in any order; each repeat counts as a record of its own.
        pairs: candidate and baseline by suite; `Pair()` for a suite that is not named.
        leaked: cases whose pass rates are given apart.
    """
    kept = tuple(records)
    table = frame(kept, leaked)
    suites = tuple(
        _suite_figures(str(name), rows, [record for record in kept if record.suite == name], pairs or {})
        for name, rows in table.groupby("suite", sort=True)
    )
    return Comparison(suites, _variant_rows(table))


def frame(records: Iterable[Record], leaked: Leaked | None = None) -> pd.DataFrame:
    """One row a record: its key, what passed (nullable), tokens, cost in USD, latency in ms."""
    rows = pd.DataFrame([_row(record, leaked or {}) for record in records], columns=list(_DTYPES))
    return rows.astype(_DTYPES)


_DTYPES = {
    **dict.fromkeys(("suite", "case", "variant"), "string"),
    "repeat": "int64",
    **dict.fromkeys(("answered", "cached", "leaked"), "bool"),
    **dict.fromkeys(("refused", "filtered", "truncated", "tool_calls"), "bool"),
    **dict.fromkeys(("passed", "form", "content"), "boolean"),
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "cost_usd", "latency_ms"), "Float64"),
    "verdicts": "object",
}


def _row(record: Record, leaked: Leaked) -> dict[str, Any]:
    response = record.response
    usage = response.usage if response else None
    instead = next((verdict.value for verdict in record.verdicts if verdict.check == WHOLE), None)
    return {
        "suite": record.suite,
        "case": record.case,
        "variant": record.variant,
        "repeat": record.repeat,
        "leaked": record.case in leaked.get(record.suite, ()),
        "answered": response is not None and record.error is None,
        "cached": record.cached,
        "refused": instead == "refusal",
        "filtered": instead == "content_filter",
        "truncated": instead == "length",
        "tool_calls": instead == "tool_calls",
        "passed": all_of(record.verdicts),
        "form": _kind_passed(record, "property"),
        "content": _kind_passed(record, "correctness"),
        "prompt_tokens": usage and usage.prompt_tokens,
        "completion_tokens": usage and usage.completion_tokens,
        "cost_usd": record.cost_usd,
        "latency_ms": response and response.latency_ms,
        "verdicts": record.verdicts,
    }


def _kind_passed(record: Record, kind: CheckKind) -> bool | None:
    """Over the verdicts of one kind; None, too, where the record has none of it."""
    verdicts = [verdict for verdict in record.verdicts if verdict.kind == kind]
    return all_of(verdicts) if verdicts else None


def _suite_figures(
    name: str, table: pd.DataFrame, records: Sequence[Record], pairs: Mapping[str, Pair]
) -> SuiteFigures:
    pair = pairs.get(name, Pair())
    errors = Counter(f"{record.error.type}: {record.error.message}" for record in records if record.error)
    nulls = Counter(
        verdict.reason for record in records for verdict in record.verdicts if verdict.passed is None
    )
    return SuiteFigures(name, pair, _variant_rows(table), _failures(records, pair), errors, nulls)


def _variant_rows(table: pd.DataFrame) -> tuple[VariantFigures, ...]:
    """The ready-made variants first, then the others by name."""
    groups = {str(name): rows for name, rows in table.groupby("variant")}
    prompted = _mean(groups["prompted"], "prompt_tokens") if "prompted" in groups else None
    order = sorted(groups, key=lambda name: (rank(name), name))
    return tuple(_figures(name, groups[name], prompted) for name in order)


def rank(variant: str) -> int:
    """The ready-made variants' own order; all others come after them."""
    ready_made = list(READY_MADE)
    return ready_made.index(variant) if variant in ready_made else len(ready_made)


def _figures(variant: str, table: pd.DataFrame, prompted_tokens: float | None) -> VariantFigures:
    answers = table[table.answered]
    kinds = {verdict.kind for verdicts in answers.verdicts for verdict in verdicts if verdict.check != WHOLE}
    cost, tokens = _mean(answers, "cost_usd"), _mean(answers, "prompt_tokens")
    latency = answers.latency_ms[~answers.cached].dropna()
    return VariantFigures(
        variant=variant,
        cases=table.groupby(["suite", "case"]).ngroups,
        records=len(table),
        cached=int(answers.cached.sum()),
        errors=len(table) - len(answers),
        unknown=int(answers.passed.isna().sum()),
        passed=_rate(answers.passed),
        form=_rate(answers.form) if "property" in kinds else None,
        content=_rate(answers.content) if "correctness" in kinds else None,
        checks=_check_rates(answers),
        prompt_tokens=tokens,
        completion_tokens=_mean(answers, "completion_tokens"),
        tokens_change=_change(tokens, prompted_tokens) if variant != "prompted" else None,
        cost_per_1k=None if cost is None else 1000 * cost,
        latency_p50_ms=None if latency.empty else float(latency.quantile(0.50)),
        latency_p95_ms=None if latency.empty else float(latency.quantile(0.95)),
        **{name: int(answers[name].sum()) for name in ("refused", "filtered", "truncated", "tool_calls")},
        leaks=_leaks(table),
    )


def _leaks(table: pd.DataFrame) -> Leaks | None:
    if not table.leaked.any():
        return None
    answers = table[table.answered]
    cases = table[table.leaked].groupby(["suite", "case"]).ngroups
    return Leaks(cases, _rate(answers.passed[~answers.leaked]), _rate(answers.passed[answers.leaked]))


def _rate(passed: pd.Series) -> Rate:
    return Rate(int(passed.sum()), int(passed.count()))  # count leaves nulls out


def _mean(answers: pd.DataFrame, column: str) -> float | None:
    """The mean over all answers; None if a single one is unknown, for the rest need not be like it."""
    values = answers[column]
    return None if values.empty or values.isna().any() else float(values.mean())


def _change(tokens: float | None, before: float | None) -> float | None:
    return None if tokens is None or not before else tokens / before - 1


def _check_rates(answers: pd.DataFrame) -> dict[str, Rate]:
    verdicts = [(verdict.check, verdict.passed) for row in answers.verdicts for verdict in row]
    table = pd.DataFrame(verdicts, columns=["check", "passed"]).astype({"passed": "boolean"})
    return {str(name): _rate(rows.passed) for name, rows in table.groupby("check", sort=False)}


def _failures(records: Sequence[Record], pair: Pair) -> tuple[FailedCase, ...]:
    """Failed answers by case: the new ones first."""
    before = {_turn(record) for record in records if record.variant == pair.baseline and _passed(record)}
    failed = [
        _failed_case(record, new=record.variant == pair.candidate and _turn(record) in before)
        for record in records
        if _passed(record) is False
    ]
    return tuple(sorted(failed, key=lambda case: (not case.new, case.case, case.variant, case.repeat)))


def _turn(record: Record) -> tuple[str, int]:
    return record.case, record.repeat


def _passed(record: Record) -> bool | None:
    return None if record.response is None else all_of(record.verdicts)


def _failed_case(record: Record, *, new: bool) -> FailedCase:
    first, *others = (verdict for verdict in record.verdicts if verdict.passed is False)
    got = (record.response and record.response.text) or ""
    also = tuple(verdict.check for verdict in others)
    return FailedCase(record.case, record.variant, record.repeat, first.check, first.reason, got, also, new)
