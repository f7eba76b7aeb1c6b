"""A gate that can never fail, or never pass, is refused when the suite is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.errors import InputError
from evalkit.suite import load_suite

CASES = "cases: [{ask: What is the capital of Norway?, answer: Oslo}]\nchecks: [equals, {length: {max: 9}}]\n"


def written(folder: Path, gate: str) -> Path:
    """A suite with that gate."""
    (folder / "suite.yaml").write_text(f"{CASES}gate: {gate}\n", "utf-8")
    return folder


@pytest.mark.parametrize(
    ("gate", "message"),
    [
        ("{margin: 1}", "gate.margin: found 1, with which no gate can fail"),
        ("{candidate: base, baseline: base}", 'gate.baseline: found "base", which is the candidate too'),
        (
            "{require: {speed: 3}}",
            "gate.require.speed: is neither a figure nor a check; write one of",
        ),
        ("{require: {pass_rate: 1}}", "found 1, which no number of answers can show"),
        ("{require: {equals: 0}}", "found 0, which can never be missed"),
        ("{require: {length: 95}}", "found 95, which no number of answers can show"),
        ("{require: {cost_per_1k: -1}}", "cost_per_1k"),
    ],
)
def test_a_gate_that_is_none_is_refused(tmp_path: Path, gate: str, message: str) -> None:
    """With its place, what was found, and what to write."""
    with pytest.raises(InputError) as refused:
        load_suite(written(tmp_path, gate))
    assert message in str(refused.value)
    assert "suite.yaml" in str(refused.value)


def test_requirements_are_read(tmp_path: Path) -> None:
    """Figures and checks by their names."""
    gate = "{require: {pass_rate: 0.9, length: 0.95, p95_latency_ms: 800, cost_per_1k: 0.40}}"
    assert load_suite(written(tmp_path, gate)).gate.require == {
        "pass_rate": 0.9, "length": 0.95, "p95_latency_ms": 800, "cost_per_1k": 0.4,
    }  # fmt: skip


def test_a_check_that_cannot_fail_is_no_gate(tmp_path: Path) -> None:
    """A rubric that every score passes decides nothing."""
    (tmp_path / "suite.yaml").write_text(
        "cases: [{ask: Hello}]\nchecks:\n  - rubric: {text: Is it kind?, threshold: 0}\n", "utf-8"
    )
    with pytest.raises(InputError, match="none of them can fail"):
        load_suite(tmp_path)
