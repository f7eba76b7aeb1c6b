"""However many records fail, a report keeps the first few, and says how many there are."""

from __future__ import annotations

import random

from evalkit.comparison import compare
from evalkit.comparison.bounded import FAILURES_KEPT, LONGEST_TEXT, OTHER_REASONS, REASONS_KEPT
from evalkit.run.records import RecordedVerdict


def test_the_first_failures_are_kept_and_all_are_counted(make_record) -> None:
    """New ones first, then by case, though records come in any order; the others are only counted."""
    cases = [f"c{number:03}" for number in range(100)]
    records = [make_record(case, "ft", False) for case in cases]
    records += [make_record(case, "prompted", case >= "c090") for case in cases]
    random.Random(0).shuffle(records)
    (suite,) = compare(records).suites
    listed = [failure.case for failure in suite.failures_of("ft")]
    assert listed == [*cases[90:], *cases[: FAILURES_KEPT - 10]]
    assert [failure.case for failure in suite.failures_of("prompted")] == cases[:FAILURES_KEPT]
    assert (suite.watched[0].failed, suite.new_failures) == (100, 10)


def test_long_answers_are_cut(make_record) -> None:
    """An answer of megabytes that failed is not kept whole: no format shows so much of it."""
    wrong = RecordedVerdict("equals", "correctness", False, 0.0, None, "why " * 10_000)
    (failure,) = compare([make_record("a", "ft", wrong, text="long " * 10_000)]).suites[0].failures
    assert (len(failure.got), len(failure.reason)) == (LONGEST_TEXT, LONGEST_TEXT)


def test_reasons_without_end_are_counted_together(make_record) -> None:
    """A server that puts a number into each of its messages does not fill the memory; no error is lost."""
    records = [make_record(str(number), "ft", error=f"request {number} failed") for number in range(1000)]
    records += [make_record(f"again {number}", "ft", error="request 7 failed") for number in range(3)]
    (suite,) = compare(records).suites
    assert len(suite.errors) == REASONS_KEPT + 1
    assert sum(suite.errors.values()) == 1003
    assert list(suite.errors.items())[:2] == [
        (OTHER_REASONS, 1000 - REASONS_KEPT),
        ("timeout: request 7 failed", 4),
    ]
