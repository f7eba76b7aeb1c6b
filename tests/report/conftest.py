"""A run as the formats get it: figures computed from records, everything around them written out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from evalkit.comparison import Leaked, compare
from evalkit.report.heading import Asked
from evalkit.report.model import Report
from evalkit.run.records import Record, RecordedVerdict

MakeReport = Callable[..., Report]


@pytest.fixture
def make_report() -> MakeReport:
    """A factory: records -> Report."""

    def made(*records: Record, notes: tuple[str, ...] = (), leaked: Leaked | None = None) -> Report:
        asked = (
            Asked(("base", "prompted"), "gpt-5-mini", "api.openai.com/v1", "OPENAI_API_KEY"),
            Asked(("ft",), "headlines-v2", "gpu7:8000/v1", "no key"),
        )
        figures = compare(records, leaked=leaked)
        return Report("20261122T080000Z-abc123", asked, "6 requests, cap $5.00", figures, notes)

    return made


@pytest.fixture
def two_suites(make_record) -> list[Record]:
    """Two suites of two cases; base fails all, prompted passes all, ft fails one that prompted passed."""
    wrong = RecordedVerdict("equals", "correctness", False, 0.0, "Bergen", 'want "Oslo" got "Bergen"')
    tokens = {"base": (29, 41), "prompted": (268, 38), "ft": (29, 36)}
    cost = {"base": 0.00008, "prompted": 0.00013, "ft": None}
    return [
        make_record(case, variant, True, wrong, suite=suite, usage=tokens[variant], cost_usd=cost[variant])
        if variant == "base" or (variant, case) == ("ft", "c2")
        else make_record(
            case, variant, True, True, suite=suite, usage=tokens[variant], cost_usd=cost[variant]
        )
        for suite in ("cities", "rivers")
        for case in ("c1", "c2")
        for variant in tokens
    ]
