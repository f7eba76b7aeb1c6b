"""What is told of a run that has not all its records."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from evalkit.comparison import compare
from evalkit.report.incomplete import incomplete, planned_records, remedy
from evalkit.run.records import Record
from evalkit.run.store import locked

VARIANTS = ("base", "ft")


def info(**changes: Any) -> dict[str, Any]:
    """The run.json of two suites, of 2 and 1 cases, asked twice of two variants."""
    variants: dict[str, Any] = {name: {"responses": None} for name in VARIANTS}
    plan = {
        "suites": {"cities": {"cases": 2}, "rivers": {"cases": 1}},
        "variants": {"cities": variants, "rivers": variants},
        "repeat": 2,
        "records": 12,
    }
    return {"status": "finished", "plan": plan, **changes}


@pytest.fixture
def all_records(make_record) -> list[Record]:
    """All twelve."""
    cases = [("cities", "a"), ("cities", "b"), ("rivers", "a")]
    return [
        make_record(case, variant, suite=suite, repeat=repeat)
        for suite, case in cases
        for repeat in (0, 1)
        for variant in VARIANTS
    ]


def told(run: dict[str, Any], records: list[Record], folder: Path = Path("reports/r")) -> list[str]:
    """The sentences, and the remedy where there is one."""
    found, planned = compare(records), planned_records(run)
    after = remedy(run, found, planned, folder)
    return [*incomplete(run, found, planned, folder), *([after] if after else [])]


def test_a_complete_run_says_nothing(all_records: list[Record]) -> None:
    """There is nothing to be done about it."""
    assert told(info(), all_records) == []


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("interrupted", " (interrupted)"),
        ("budget", " (stopped at --max-cost)"),
        ("maxfail", " (stopped by -x or --maxfail)"),
        ("finished", ""),  # what an endpoint refused for good was not tried
    ],
)
def test_missing_records_are_told_by_suite_and_variant(
    all_records: list[Record], status: str, words: str
) -> None:
    """How many, whose, and the command that goes on; whatever ended the run."""
    assert told(info(status=status), all_records[:5]) == [
        f"This run is not complete{words}: 7 of 12 records are missing; its figures are of what was asked.",
        "cities, not asked: base 1 of 4, ft 2 of 4.",
        "rivers, not asked: base 2 of 2, ft 2 of 2.",
        "To go on: evalkit run --resume reports/r",
    ]


def test_a_run_without_records_is_missing_all() -> None:
    """Killed before the first answer."""
    assert told(info(status="interrupted"), [])[0].startswith(
        "This run is not complete (interrupted): 12 of 12 records are missing"
    )


def test_a_killed_run_is_told_from_one_under_way(all_records: list[Record], tmp_path: Path) -> None:
    """Both have "running" in run.json; only the latter's folder is locked, and there is no need to go on."""
    folder = tmp_path / "with space"
    folder.mkdir()
    first, *_, last = told(info(status="running"), all_records[:5], folder)
    assert "not complete (killed)" in first
    assert last == f"To go on: evalkit run --resume '{folder}'"
    handle = locked(folder)
    first, *_, last = told(info(status="running"), all_records[:5], folder)
    os.close(handle)
    assert "not complete (still under way)" in first
    assert last.startswith("rivers, not asked")


def test_errors_can_be_asked_again(all_records: list[Record], make_record) -> None:
    """A finished run with errors lacks no record; its notes say nothing, but going on asks for them again."""
    failed = make_record("b", "ft", error="slow", suite="cities", repeat=1)
    assert told(info(), [*all_records[1:], failed]) == ["To go on: evalkit run --resume reports/r"]


def test_recorded_answers_cannot_be_asked_for(make_record) -> None:
    """Where all variants are answered from files, a second try brings nothing."""
    run = info()
    for variants in run["plan"]["variants"].values():
        for variant in variants.values():
            variant["responses"] = "answers.jsonl"
    assert told(run, [make_record("a", error="none")])[-1].startswith("Answers are missing in the file")


def test_what_was_graded_anew_is_graded_again(all_records: list[Record]) -> None:
    """A regraded run has the old plan, but only the records whose question is the same: none is missed."""
    assert told(info(regraded_from="reports/old"), all_records[:3]) == []
    assert told(info(regraded_from="reports/old", status="interrupted"), all_records[:3]) == [
        "This run is not complete (interrupted): its figures are of what was asked.",
        "To grade again what is left: evalkit regrade reports/old",
    ]


def test_a_killed_run_that_was_graded_anew_is_gone_on_with_first(
    all_records: list[Record], tmp_path: Path
) -> None:
    """Grading again asks nothing: what is missing is missing in the run before."""
    given = info(status="running", regraded_from="reports/old", regraded_status="running")
    found = remedy(given, compare(all_records[:5]), planned_records(given), tmp_path)
    assert found == "To go on: evalkit run --resume reports/old, then evalkit regrade reports/old"


def test_runs_of_earlier_versions_are_not_guessed_at(all_records: list[Record]) -> None:
    """Where run.json does not say how many records are due, none are missing, as far as is known."""
    run = info(status="interrupted")
    del run["plan"]["records"]
    assert told(run, all_records[:5])[0] == (
        "This run is not complete (interrupted): its figures are of what was asked."
    )
