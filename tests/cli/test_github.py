"""What commands tell GitHub, by the variables that its runners set."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.cli.github import SUMMARY, harmless, tell_github
from evalkit.comparison import Comparison
from evalkit.gate import Decisions
from evalkit.report.github import SUMMARY_BYTES
from evalkit.report.model import Report

REPORT = Report("r1", (), "", Comparison((), ()), (), gate=Decisions((), "a partial run"))


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No runner of GitHub's, whoever runs these tests."""
    for name in (SUMMARY, "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)


def test_elsewhere_nothing_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither of the variables is set: nothing is printed, and text stays as it is."""
    tell_github(REPORT)
    assert capsys.readouterr() == ("", "")
    assert harmless("::error::x") == "::error::x"


def test_a_runner_gets_the_summary_and_annotations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The summary is appended to what the step wrote before."""
    monkeypatch.setenv(SUMMARY, str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (tmp_path / "summary.md").write_text("before\n")
    tell_github(REPORT)
    text = (tmp_path / "summary.md").read_text()
    assert text.startswith("before\n# Run r1\n\n**NOT GATED** a partial run.\n")
    assert capsys.readouterr().out == "::warning title=evalkit%3A not gated::a partial run\n"
    assert harmless("::error::x") == ":\\:error::x"


def test_a_step_s_summary_is_never_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What stands in the file already counts."""
    monkeypatch.setenv(SUMMARY, str(tmp_path / "summary.md"))
    (tmp_path / "summary.md").write_bytes(b"x" * (SUMMARY_BYTES - 20))
    tell_github(REPORT)
    assert (tmp_path / "summary.md").stat().st_size <= SUMMARY_BYTES


def test_a_summary_that_cannot_be_written_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And stops nothing: the verdict stands in the exit code."""
    monkeypatch.setenv(SUMMARY, str(tmp_path / "gone" / "summary.md"))
    tell_github(REPORT)
    assert "summary.md: cannot be written (No such file or directory)" in capsys.readouterr().err
