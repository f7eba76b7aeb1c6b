"""The run that the repository shows as its example."""

from __future__ import annotations

import json
from pathlib import Path

from evalkit.report.load import load_report
from evalkit.report.summary import summary

EXAMPLE = Path(__file__).resolve().parents[2] / "reports" / "example"


def test_the_example_is_what_its_records_say() -> None:
    """Figures and decisions, worked out anew, are those beside them; every suite has a decision."""
    kept = json.loads((EXAMPLE / "summary.json").read_text("utf-8"))
    found = json.loads(json.dumps(summary(load_report(EXAMPLE)))) | {"run": kept["run"]}
    assert found == kept
    decisions = {suite: figures["gate"]["decision"] for suite, figures in kept["suites"].items()}
    assert set(decisions.values()) <= {"ship", "dont_ship", "inconclusive"}
    assert len(decisions) == 7
