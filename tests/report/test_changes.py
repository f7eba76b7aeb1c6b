"""What changed between two runs, as every format shows it."""

from __future__ import annotations

import json
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.changes import Answers, Side
from evalkit.gate.regression import suite_change
from evalkit.gate.two_runs import RunChanges
from evalkit.report.changes import changes_json, markdown, terminal


def found_of(text: str) -> RunChanges:
    """One suite with a case newly failing; every name and reason is `text`."""
    before, now = Side(), Side()
    for number in range(5):
        before.cases[f"{text}{number}"] = Answers(1, passed=1)
        now.cases[f"{text}{number}"] = Answers(1, passed=bool(number), failed=not number, why=text)
    now.cases[text] = Answers(1, passed=1)
    suite = suite_change(text, (text, before), (text, now), {}, 0.05)
    return RunChanges(text, text, (suite,), (text,), (text,), (text,))


@given(st.text(st.characters(codec=None)))
def test_hostile_text_is_shown_as_text(text: str) -> None:
    """Neither the terminal nor Markdown gets a control character; JSON gives every text back."""
    found = found_of(text)
    for shown in (terminal(found), markdown(found)):
        assert all(char.isprintable() or char == "\n" or unicodedata.category(char) == "Zs" for char in shown)
    data = json.loads(changes_json(found))
    assert (data["before"], data["suites"][0]["suite"], data["notes"]) == (text, text, [text])
    assert data["suites"][0]["newly_failing"][0]["why"] == text


def test_the_first_cases_are_listed() -> None:
    """Ten of a kind on the terminal, and how many more there are; all on demand, and in Markdown."""
    before, now = Side(), Side()
    for number in range(25):
        before.cases[f"c{number:02}"] = Answers(1, passed=1)
        now.cases[f"c{number:02}"] = Answers(1, failed=1, why="short  too long")
    found = RunChanges("a", "b", (suite_change("s", ("ft", before), ("ft", now), {}, 0.05),), (), (), ())
    assert terminal(found).count("too long") == 10
    assert " … and 15 more: -v lists them" in terminal(found)
    assert terminal(found, all_cases=True).count("too long") == 25
    assert markdown(found).count("too long") == 25
