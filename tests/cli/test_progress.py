"""What is shown while a run is under way."""

from __future__ import annotations

import pytest

from evalkit.cli.progress import Bar, Lines, Progress, Spend
from evalkit.run.plan import Plan


def test_spend_counts_judges_and_leaves_out_what_was_paid_before(make_record) -> None:
    """Answers and judging asked for now are added up; cached ones and errors cost nothing."""
    spend = Spend()
    spend.add(make_record("a", cost_usd=0.25, judge={"requests": 1, "cached": 0, "cost_usd": 0.5}))
    spend.add(
        make_record("b", cost_usd=0.25, cached=True, judge={"requests": 1, "cached": 1, "cost_usd": 0.5})
    )
    spend.add(make_record("c", error="slow", cost_usd=None))
    assert str(spend) == "$0.75"


def test_an_unknown_cost_is_said(make_record) -> None:
    """A model without a price makes the spend a lower bound, and it says so."""
    spend = Spend()
    spend.add(make_record("a", cost_usd=None))
    assert str(spend) == "$0.00 and more"


def test_lines_are_few(capsys: pytest.CaptureFixture[str]) -> None:
    """Away from a terminal a short run prints one line, at its end."""
    lines = Lines(3)
    for _ in range(3):
        lines.advance(Spend(0.5))
    lines.close()
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.startswith("3/3 answers, ")
    assert written.endswith("/s, $0.50\n")


def test_the_bar_shows_rate_spend_and_time_left(capsys: pytest.CaptureFixture[str]) -> None:
    """On a terminal a bar shows how many of how many, how fast, for how much, and for how long still."""
    bar = Bar(4)
    bar.advance(Spend(0.5))
    bar.say("fine-tuning")
    bar.close()
    written = capsys.readouterr().err
    assert "fine-tuning" in written
    assert "0/4" in written
    assert "left" in written


def test_notes_are_disarmed(capsys: pytest.CaptureFixture[str]) -> None:
    """A note may quote a server; its control characters are escaped."""
    progress = Progress(lambda _: "heading", quiet=False)
    progress.note("server said \x1b[31m")
    assert capsys.readouterr().err == "server said \\x1b[31m\n"


def test_quiet_is_silent(make_record, capsys: pytest.CaptureFixture[str]) -> None:
    """With -q neither heading, progress nor notes are shown."""
    progress = Progress(lambda _: "heading", quiet=True)
    progress.note("fine-tuning")
    progress.planned(Plan((), {}))
    progress.answered(make_record())
    progress.close()
    assert capsys.readouterr() == ("", "")
