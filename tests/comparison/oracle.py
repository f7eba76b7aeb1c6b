"""The same figures by another way: pandas over the whole table of records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from evalkit.comparison import FailedCase, Leaked, Leaks, Pair
from evalkit.comparison.table import frame
from evalkit.config import rank
from evalkit.run.codec import passed as all_of
from evalkit.run.records import WHOLE, Record
from evalkit.stats import Rate

Figures = dict[str, Any]
ODDITIES = ("refused", "filtered", "truncated", "tool_calls")


def variants(records: Sequence[Record], leaked: Leaked) -> list[Figures]:
    """The fields of VariantFigures, in the order of the rows."""
    table = frame(records, leaked)
    groups = {str(name): rows for name, rows in table.groupby("variant")}
    suites = {name: set(rows.suite[rows.answered]) for name, rows in groups.items()}
    changes = {}
    for name in groups if "prompted" in groups else ():
        both = table[table.suite.isin(suites[name] & suites["prompted"]) & table.answered]
        own, before = (both[both.variant == each] for each in (name, "prompted"))
        changes[name] = _change(_mean(own, "prompt_tokens"), _mean(before, "prompt_tokens"))
    order = sorted(groups, key=lambda name: (rank(name), name))
    return [_figures(name, groups[name], changes.get(name)) for name in order]


def failures(records: Sequence[Record], pair: Pair) -> list[FailedCase]:
    """All of one suite's, new ones first, then by case, variant and repeat."""
    table = frame(records)
    passed = table[(table.variant == pair.baseline) & table.answered & table.passed.fillna(False)]
    before = set(zip(passed.case, passed.repeat, strict=True))
    failed = [
        _failed(record, new=record.variant == pair.candidate and (record.case, record.repeat) in before)
        for record in records
        if record.response is not None and all_of(record.verdicts) is False
    ]
    return sorted(failed, key=lambda case: (not case.new, case.case, case.variant, case.repeat))


def errors(records: Sequence[Record]) -> Mapping[str, int]:
    """Why records got no answer."""
    return Counter(f"{record.error.type}: {record.error.message}" for record in records if record.error)


def unknown_reasons(records: Sequence[Record]) -> Mapping[str, int]:
    """Why verdicts are null."""
    return Counter(
        verdict.reason for record in records for verdict in record.verdicts if verdict.passed is None
    )


def _figures(variant: str, table: pd.DataFrame, tokens_change: float | None) -> Figures:
    answers = table[table.answered]
    asked = answers[~answers.cached & answers.latency_ms.notna()]
    streamed = asked[asked.ttft_ms.notna()]
    kinds = {verdict.kind for verdicts in answers.verdicts for verdict in verdicts if verdict.check != WHOLE}
    cost, tokens = _mean(answers, "cost_usd"), _mean(answers, "prompt_tokens")
    return {
        "variant": variant,
        "cases": table.groupby(["suite", "case"]).ngroups,
        "records": len(table),
        "cached": int(answers.cached.sum()),
        "errors": len(table) - len(answers),
        "unknown": int(answers.passed.isna().sum()),
        "passed": _rate(answers.passed),
        "form": _rate(answers.form) if "property" in kinds else None,
        "content": _rate(answers.content) if "correctness" in kinds else None,
        "checks": _check_rates(answers),
        "prompt_tokens": tokens,
        "completion_tokens": _mean(answers, "completion_tokens"),
        "tokens_change": tokens_change if variant != "prompted" else None,
        "cost_per_1k": None if cost is None else 1000 * cost,
        "latency_p50_ms": _quantile(asked.latency_ms, 0.50),
        "latency_p95_ms": _quantile(asked.latency_ms, 0.95),
        "ttft_p50_ms": _quantile(streamed.ttft_ms, 0.50),
        "tokens_per_s": _tokens_per_s(streamed),
        **{name: int(answers[name].sum()) for name in ODDITIES},
        "retries": int((table.attempts - 1)[~table.cached].sum()),
        "possibly_billed": int(table.possibly_billed.sum()),
        "leaks": _leaks(table),
    }


def _tokens_per_s(streamed: pd.DataFrame) -> float | None:
    if streamed.empty or streamed.completion_tokens.isna().any():
        return None
    seconds = (streamed.latency_ms - streamed.ttft_ms).sum() / 1000
    return float((streamed.completion_tokens - 1).clip(lower=0).sum() / seconds) if seconds else None


def _leaks(table: pd.DataFrame) -> Leaks | None:
    if not table.leaked.any():
        return None
    answers = table[table.answered]
    cases = table[table.leaked].groupby(["suite", "case"]).ngroups
    return Leaks(cases, _rate(answers.passed[~answers.leaked]), _rate(answers.passed[answers.leaked]))


def _rate(passed: pd.Series) -> Rate:
    return Rate(int(passed.sum()), int(passed.count()))  # count leaves nulls out


def _quantile(values: pd.Series, share: float) -> float | None:
    return None if values.empty else float(values.quantile(share))


def _mean(table: pd.DataFrame, column: str) -> float | None:
    values = table[table.answered][column]
    return None if values.empty or values.isna().any() else float(values.mean())


def _change(tokens: float | None, before: float | None) -> float | None:
    return None if tokens is None or not before else tokens / before - 1


def _check_rates(answers: pd.DataFrame) -> dict[str, Rate]:
    verdicts = [
        (verdict.check, verdict.passed)
        for row in answers.verdicts
        for verdict in row
        if verdict.check != WHOLE
    ]
    table = pd.DataFrame(verdicts, columns=["check", "passed"]).astype({"passed": "boolean"})
    return {str(name): _rate(rows.passed) for name, rows in table.groupby("check", sort=False)}


def _failed(record: Record, *, new: bool) -> FailedCase:
    first, *others = (verdict for verdict in record.verdicts if verdict.passed is False)
    got = (record.response and record.response.text) or ""
    also = tuple(verdict.check for verdict in others)
    return FailedCase(record.case, record.variant, record.repeat, first.check, first.reason, got, also, new)
