"""Two runs of one suite, case by case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.comparison.changes import AskedRow, Changes, Side, changes, sides
from evalkit.endpoints.base import Request
from evalkit.run.codec import dump_line, record_to_json
from evalkit.run.records import Record
from evalkit.run.rows import open_rows_as
from evalkit.stats import Rate


@pytest.fixture
def side(tmp_path):
    """Records -> what `ft` answered in a run of them."""

    def made(*records: Record, leaked: Sequence[str] = ()) -> Side:
        (tmp_path / "records.jsonl").write_bytes(
            b"".join(dump_line(record_to_json(each)) for each in records)
        )
        with open_rows_as(tmp_path, AskedRow) as rows:
            return sides(rows, {"cities": ["ft"]}, {"cities": leaked}, repeated=True)["cities", "ft"]

    return made


def ids(found: Changes, kind: str) -> list[str]:
    """The cases of one kind of change."""
    return [getattr(case, "case", case) for case in getattr(found, kind)]


def test_cases_that_changed_are_found(side, make_record) -> None:
    """Newly failing and newly passing ones with the reason, undecided ones, and those of one run."""
    before = side(*(make_record(case, "ft", case != "b") for case in "abcd"), make_record("gone", "ft"))
    now = side(
        make_record("a", "ft", False),
        make_record("b", "ft", True),
        make_record("c", "ft", True),
        make_record("d", "ft", error="took too long"),
        make_record("added", "ft"),
        make_record("a", "base", True),
    )
    found = changes(before, now)
    assert {kind: ids(found, kind) for kind in ("failing", "passing", "undecided", "gone", "added")} == {
        "failing": ["a"], "passing": ["b"], "undecided": ["d"], "gone": ["gone"], "added": ["added"],
    }  # fmt: skip
    assert [case.why.split()[0] for case in (*found.failing, *found.passing)] == ["short", "short"]
    assert found.noise is None


@pytest.mark.parametrize(
    ("before", "now", "kinds"),
    [
        ((1, 1, 1), (1, 1, 0), {"flipping"}),
        ((1, 1, 1), (1, 0, 0), {"failing", "flipping"}),
        ((1, 1), (1, 0), {"failing", "flipping"}),
        ((0, 0, 1), (1, 1, 1), {"passing", "flipped"}),
        ((1,), (0, 0, 0), {"failing"}),
        ((0,), (0, 0, 0), set()),
    ],
)
def test_the_majority_of_repeats_decides(side, make_record, before, now, kinds: set[str]) -> None:
    """A case passes where more than half of its answers do; it flips where they differ."""
    both = [
        side(*(make_record("a", "ft", bool(passed), repeat=repeat) for repeat, passed in enumerate(each)))
        for each in (before, now)
    ]
    found = changes(*both)
    named = ("failing", "passing", "flipping", "flipped")
    assert {kind for kind in named if ids(found, kind)} == kinds
    for case in (*found.failing, *found.passing, *found.flipping, *found.flipped):
        assert (case.before, case.now) == (Rate(sum(before), len(before)), Rate(sum(now), len(now)))


def test_another_question_under_the_same_id_is_left_out(side, make_record) -> None:
    """It is named, and is no change; another system message is no other question."""
    record = make_record("a", "ft", True)

    def asked(system: str, text: str, passed: bool) -> Record:
        messages = ({"role": "system", "content": system}, {"role": "user", "content": text})
        return replace(make_record("a", "ft", passed), request=Request("tiny", "chat", messages))

    before = side(asked("Be brief.", "Capital of Peru?", True))
    assert ids(changes(before, side(asked("Be kind.", "Capital of Peru?", False))), "failing") == ["a"]
    other = changes(before, side(asked("Be brief.", "Capital of Chile?", False)))
    assert (ids(other, "reworded"), ids(other, "failing")) == (["a"], [])
    assert ids(changes(side(record), side(replace(record, variant="ft"))), "reworded") == []


def test_legacy_prompts_are_questions_too(side, make_record) -> None:
    """What was asked through /v1/completions is told apart by its prompt."""
    first, second = (
        replace(make_record("a", "ft"), request=Request("tiny", "completions", None, prompt))
        for prompt in ("Capital of Peru:", "Capital of Chile:")
    )
    assert ids(changes(side(first), side(second)), "reworded") == ["a"]
    assert ids(changes(side(first), side(first)), "reworded") == []


def test_cases_of_the_training_data_are_passed_over(side, make_record) -> None:
    """They count for nothing in either run."""
    assert side(make_record("a", "ft"), make_record("b", "ft"), leaked=["b"]).cases.keys() == {"a"}


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=30))
def test_failing_and_passing_swap_with_the_runs(outcomes: list[tuple[bool, bool]]) -> None:
    """What is newly failing from one run to the other is newly passing on the way back."""
    from evalkit.comparison.changes import Answers

    before, now = Side(), Side()
    for number, (old, new) in enumerate(outcomes):
        before.cases[str(number)] = Answers(1, passed=old, failed=not old)
        now.cases[str(number)] = Answers(1, passed=new, failed=not new)
    there, back = changes(before, now), changes(now, before)
    assert ids(there, "failing") == ids(back, "passing")
    assert len(there.failing) == outcomes.count((True, False))
