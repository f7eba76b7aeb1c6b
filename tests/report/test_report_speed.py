"""The benchmark of reports is run by hand: that it still can be is tested here, small."""

from __future__ import annotations

from pathlib import Path

from evalkit.report.load import load_report
from tests.benchmarks.report_speed import generate, report


def test_its_records_can_be_reported(tmp_path: Path) -> None:
    """As those of a gated run, of which all files are written."""
    generate(tmp_path, 600)
    report(tmp_path)
    gate = load_report(tmp_path).gate
    assert gate is not None
    assert [decision.suite for decision in gate.suites] == ["headlines", "tickets"]
    assert (tmp_path / "report.html").stat().st_size > 50_000
