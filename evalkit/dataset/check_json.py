"""A check as one JSON object: what `evalkit dataset check --json` prints. Its keys are kept stable."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from evalkit.dataset.check import Check
from evalkit.dataset.distribution import Distribution


def as_json(check: Check) -> dict[str, Any]:
    """All figures and the findings that were kept; null for what is unknown.

    `script.errors` are the data-preparation script's own counts, `script.stops_at` the line at which it would
    end with an exception; `rules` are evalkit's. A distribution is {n, min, max, mean, median, q10, q90}: q10
    and q90 are the quantiles that the script prints as "p5 / p95". Token counts leave out `tool_tokens`, as
    the script does.
    """
    size, stop = check.size, check.script.stop
    return {
        "file": str(check.path),
        "bytes": check.bytes,
        "lines": check.lines,
        "examples": check.examples,
        "forms": dict(check.forms),
        "model": check.model,
        "encoding": check.encoding,
        "token_limit": check.token_limit,
        "errors": check.errors,
        "warnings": check.warnings,
        "rules": dict(check.counts),
        "findings": [asdict(finding) for finding in check.findings],
        "script": {
            "errors": dict(check.script.errors),
            "stops_at": {"line": stop[0], "why": stop[1]} if stop else None,
        },
        "missing_system": check.without_system,
        "missing_user": check.without_user,
        "messages_per_example": _figures(check.messages),
        "tokens_per_example": _figures(size.tokens if size else None),
        "assistant_tokens_per_example": _figures(size.assistant if size else None),
        "tool_tokens": size and size.tools,
        "over_limit": size and size.over_limit,
        "epochs": check.epochs,
        "billed_tokens": size and size.billed,
        "charged_tokens": size and size.billed * check.epochs,
    }


def _figures(spread: Distribution | None) -> dict[str, float] | None:
    if spread is None:
        return None
    return {
        "n": spread.n,
        "min": spread.minimum,
        "max": spread.maximum,
        "mean": spread.mean,
        "median": spread.median,
        "q10": spread.quantile(0.1),
        "q90": spread.quantile(0.9),
    }
