"""One line of records.jsonl: case x variant x repeat, with request, response and verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.checks.base import CheckKind
from evalkit.endpoints.base import Request, Response

WHOLE = "whole"
"""The name of the check that every answer is put to; its verdict is recorded only where it fails."""


@dataclass(frozen=True, slots=True)
class RecordedVerdict:
    """A verdict with the name and kind of its check."""

    check: str
    kind: CheckKind
    passed: bool | None
    score: float | None
    value: Any = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a case could not be asked."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Record:
    """All that is known of one question and its answer.

    `passed`: False if any verdict is False, else None if any is None, else True; None where `error` is set.
    `cost_usd`: None where no price is known. `latency_ms`: of the final attempt. `at`: UTC, ISO 8601.
    `possibly_billed`: how many attempts brought no whole answer, though the endpoint may have charged them.
    `judge`: tokens and cost of the judge's calls for this record, apart from the answer's own.
    """

    suite: str
    case: str
    variant: str
    repeat: int
    endpoint: str
    request: Request
    response: Response | None
    verdicts: tuple[RecordedVerdict, ...]
    cost_usd: float | None
    cached: bool
    attempts: int
    at: str
    possibly_billed: int = 0
    error: Failure | None = None
    judge: Mapping[str, Any] = field(default_factory=dict)
