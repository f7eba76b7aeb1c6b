"""summary.json: the figures for programs. Its JSON Schema is summary.schema.json, beside this file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import resources
from typing import Any

from evalkit.comparison import Leaks, VariantFigures
from evalkit.gate import Decisions, Endpoint
from evalkit.report.model import Planned, Report
from evalkit.stats import Rate


def summary(report: Report) -> dict[str, Any]:
    """The object of summary.json; null is unknown, never 0."""
    comparison = report.comparison
    suites = {
        suite.name: {
            "variants": _variants(suite.rows, report.planned.get(suite.name, {})),
            **gate_summary(report.gate, suite.name),
        }
        for suite in comparison.suites
    }
    total = {"variants": _variants(comparison.total, _all(report.planned))}
    return {"run": report.run, "suites": suites, "all": total, **_decision(report.gate)}


def summary_json(report: Report) -> str:
    """The text of summary.json."""
    return json.dumps(summary(report), indent=2, ensure_ascii=False) + "\n"


def schema() -> dict[str, Any]:
    """The JSON Schema (Draft 2020-12) of summary.json."""
    text = resources.files("evalkit.report").joinpath("summary.schema.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def variant_summary(row: VariantFigures, planned: int | None) -> dict[str, Any]:
    """One variant's figures under the names that summary.json gives them."""
    interval = row.passed.interval
    return {
        "cases": row.cases,
        "records": row.records,
        "planned": planned,
        "errors": row.errors,
        "unknown": row.unknown,
        "property_rate": _share(row.form),
        "correct_rate": _share(row.content),
        "pass_rate": row.passed.share,
        "pass_rate_95": [interval.low, interval.high] if interval else None,
        "prompt_tokens": row.prompt_tokens,
        "prompt_tokens_change": row.tokens_change,
        "completion_tokens": row.completion_tokens,
        "cost_per_1k": row.cost_per_1k,
        "latency_p50_ms": row.latency_p50_ms,
        "latency_p95_ms": row.latency_p95_ms,
        "ttft_p50_ms": row.ttft_p50_ms,
        "tokens_per_s": row.tokens_per_s,
        "cached": row.cached,
        "refused": row.refused,
        "filtered": row.filtered,
        "truncated": row.truncated,
        "tool_calls": row.tool_calls,
        "retries": row.retries,
        "possibly_billed": row.possibly_billed,
        "judge_possibly_billed": row.judge_possibly_billed,
        **_leaks(row.leaks),
    }


def gate_summary(gate: Decisions | None, suite: str) -> dict[str, Any]:
    """One suite's decision; nothing where none was made."""
    found = gate.of(suite) if gate else None
    if found is None:
        return {}
    own = {name: getattr(found, name) for name in _OF_DECISION}
    endpoints = [_endpoint(endpoint) for endpoint in found.endpoints]
    floors = [asdict(floor) for floor in found.floors]
    return {"gate": {"decision": found.word, **own, "endpoints": endpoints, "floors": floors}}


_OF_DECISION = (
    "reason", "candidate", "baseline", "margin", "alpha", "level", "cases", "pairs", "unknown", "labels",
)  # fmt: skip


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    interval = endpoint.interval
    return {
        "name": endpoint.name,
        "state": endpoint.state,
        "difference": endpoint.difference,
        "interval": [interval.low, interval.high] if interval else None,
        "won": endpoint.pairs.won,
        "lost": endpoint.pairs.lost,
        "p_noninferior": endpoint.p_noninferior,
        "p_worse": endpoint.p_worse,
        "more": endpoint.more,
        "note": endpoint.note,
    }


def _decision(gate: Decisions | None) -> dict[str, Any]:
    if gate is None:
        return {}
    return {"gate": {"decision": gate.word, "undecided": gate.undecided}}


def _leaks(leaks: Leaks | None) -> dict[str, Any]:
    """Nothing where no case has leaked."""
    if leaks is None:
        return {}
    return {
        "leaked_cases": leaks.cases,
        "clean_pass_rate": leaks.clean.share,
        "leaked_pass_rate": leaks.leaked.share,
    }


def _variants(rows: Sequence[VariantFigures], planned: Mapping[str, int]) -> dict[str, Any]:
    return {row.variant: variant_summary(row, planned.get(row.variant)) for row in rows}


def _all(planned: Planned) -> Mapping[str, int]:
    """Over all suites, by variant."""
    total: Counter[str] = Counter()
    for of_suite in planned.values():
        total.update(of_suite)
    return total


def _share(rate: Rate | None) -> float | None:
    return None if rate is None else rate.share
