"""Records as a table for notebooks. This module loads pandas; nothing that runs or reports needs it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from evalkit.checks.base import CheckKind
from evalkit.comparison.suites import Leaked
from evalkit.run.codec import passed as all_of
from evalkit.run.records import WHOLE, Record


def frame(records: Iterable[Record], leaked: Leaked | None = None) -> pd.DataFrame:
    """One row a record: its key, what passed (nullable), tokens, cost in USD, times in ms.

    `evalkit.frame(evalkit.run.read_records(folder))` is a whole run. `verdicts` holds the record's verdicts;
    `leaked` is true of cases that stand in the training data, as far as they are given.
    """
    rows = pd.DataFrame([_row(record, leaked or {}) for record in records], columns=list(_DTYPES))
    return rows.astype(_DTYPES)


_DTYPES = {
    **dict.fromkeys(("suite", "case", "variant"), "string"),
    "repeat": "int64",
    **dict.fromkeys(("answered", "cached", "leaked"), "bool"),
    **dict.fromkeys(("refused", "filtered", "truncated", "tool_calls"), "bool"),
    **dict.fromkeys(("passed", "form", "content"), "boolean"),
    **dict.fromkeys(("prompt_tokens", "completion_tokens", "cost_usd", "latency_ms", "ttft_ms"), "Float64"),
    **dict.fromkeys(("attempts", "possibly_billed"), "int64"),
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
        "passed": all_of(record.verdicts) if record.error is None else None,
        "form": _kind_passed(record, "property"),
        "content": _kind_passed(record, "correctness"),
        "prompt_tokens": usage and usage.prompt_tokens,
        "completion_tokens": usage and usage.completion_tokens,
        "cost_usd": record.cost_usd,
        "latency_ms": response and response.latency_ms,
        "ttft_ms": response and response.ttft_ms,
        "attempts": record.attempts,
        "possibly_billed": record.possibly_billed,
        "verdicts": record.verdicts,
    }


def _kind_passed(record: Record, kind: CheckKind) -> bool | None:
    """Over the verdicts of one kind; None, too, where the record has none of it."""
    verdicts = [verdict for verdict in record.verdicts if verdict.kind == kind]
    return all_of(verdicts) if verdicts else None
