"""What GitHub is told of a run: the job summary, annotations, and nothing that it would obey by mistake."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison import Comparison
from evalkit.gate import Decisions
from evalkit.report.github import defused, github_annotations, github_summary
from evalkit.report.markdown import markdown
from evalkit.report.model import Report
from tests.report.deciding import decided


def taken_for_a_command(line: str) -> bool:
    """As a runner does it: `::` behind blanks, or `##[` anywhere, the older way."""
    return line.lstrip().startswith("::") or "##[" in line


def test_the_summary_is_the_report_with_verdicts_first(make_report, two_suites) -> None:
    """report.md, whose first words below the title are the decisions."""
    report = replace(make_report(*two_suites), gate=Decisions((decided("cities", "dont_ship"),)))
    text = github_summary(report)
    assert text == markdown(report)
    assert text.split("\n")[2] == "**DON'T SHIP** cities: because"


@pytest.mark.parametrize("room", [0, 60, 500, 1000])
def test_a_long_summary_is_cut_and_says_so(room: int, make_report, make_record) -> None:
    """In bytes, not characters, between two lines; nothing where there is no room at all."""
    report = make_report(*(make_record(f"Zürich {number}", "ft", False) for number in range(40)))
    text = github_summary(report, room)
    assert len(text.encode()) <= room
    head, _, note = text.partition("\n\n*Cut here")
    assert bool(note) == (room >= 500)
    assert markdown(report).startswith(f"{head}\n") or not head


def test_each_decision_is_annotated_as_heavily_as_it_weighs(make_report, two_suites) -> None:
    """Errors first: what stops a deployment; warnings: what the suite lets pass, and unasked cases."""
    decisions = (
        decided("a", "ship"),
        decided("b", "inconclusive", inconclusive_passes=True),
        decided("c", "inconclusive"),
        decided("d", "dont_ship"),
    )
    report = replace(make_report(*two_suites), gate=Decisions(decisions))
    assert list(github_annotations(report)) == [
        "::error title=evalkit%3A INCONCLUSIVE c::because",
        "::error title=evalkit%3A DON'T SHIP d::because",
        "::warning title=evalkit%3A INCONCLUSIVE b::because",
        "::notice title=evalkit%3A SHIP a::because",
    ]


def test_what_was_not_decided_or_asked_is_a_warning(make_report, make_record) -> None:
    """With the reason; a run with --no-gate says nothing of a gate."""
    report = make_report(make_record("a", "ft", error="took too long"))
    asked = "::warning title=evalkit%3A cities::1 answers did not come: timeout: took too long"
    assert list(github_annotations(report)) == [asked]
    gated = replace(report, gate=Decisions((), "a partial run"))
    assert list(github_annotations(gated)) == ["::warning title=evalkit%3A not gated::a partial run", asked]


def test_no_more_is_annotated_than_github_shows(make_report, two_suites) -> None:
    """Ten of a level, the last of which counts the rest."""
    decisions = tuple(decided(f"s{number}", "dont_ship") for number in range(25))
    found = list(github_annotations(replace(make_report(*two_suites), gate=Decisions(decisions))))
    assert len(found) == 10
    assert found[-1] == "::error title=evalkit::16 more: see the job summary"


@given(st.text(st.characters(codec=None)))
def test_a_message_cannot_end_its_command(text: str) -> None:
    """Whatever a suite is called: one line, whose title ends where it should."""
    decision = replace(decided(f"a,b::{text}", "dont_ship"), reason=f"100%\r\n::{text}")
    (line,) = github_annotations(Report("r", (), "", Comparison((), ()), (), gate=Decisions((decision,))))
    assert len(line.splitlines()) == 1
    title, _, message = line.removeprefix("::error title=").partition("::")
    assert "," not in title
    assert ":" not in title
    assert message.startswith("100%25\\r\\n::")


@given(st.lists(st.sampled_from(["::", ":", "##[", "#", "[", " ", "\t", "\n", "\u2003", "error", "x"])))
def test_nothing_that_is_printed_is_obeyed(parts: list[str]) -> None:
    """Neither way of giving a command is left in any line; other text stays as it is."""
    text = "".join(parts)
    shown = defused(text)
    assert not any(map(taken_for_a_command, shown.split("\n")))
    assert shown.replace("\\", "") == text
    assert (shown == text) == (not any(map(taken_for_a_command, text.split("\n"))))
