"""json_fields: the fields of the answer against those of the case's answer."""

from __future__ import annotations

import pytest

from evalkit.checks import Seen, Verdict, build
from evalkit.checks.base import Compares

REFERENCE = '{"player": "Olga Marga", "team": "Colts", "goals": 1, "left": true}'


def checked(text: str | None, *fields: str, reference: str | None = REFERENCE) -> Verdict:
    """The verdict on one answer."""
    return build("json_fields", list(fields)).check(Seen(text, reference=reference))


def test_all_equal_passes() -> None:
    """Order, other keys and the way a number is written do not matter."""
    found = checked(
        '{"x": 0, "goals": 1.0, "team": "Colts", "player": "Olga Marga"}', "player", "team", "goals"
    )
    assert (found.passed, found.score, found.reason) == (True, 1.0, "")


def test_the_reason_sets_what_was_wanted_beside_what_came() -> None:
    """And the score is the share that is equal."""
    found = checked('{"player": "Olga", "team": "Colts"}', "player", "team", "goals", "left")
    assert found.passed is False
    assert found.score == 0.25
    assert (
        found.reason
        == 'player: want "Olga Marga" got "Olga"; goals: want 1 got nothing; left: want true got nothing'
    )
    assert found.value == {"player": "Olga", "team": "Colts"}


def test_true_is_not_one() -> None:
    """JSON has booleans, Python's are numbers."""
    assert checked('{"goals": true, "left": 1}', "goals", "left").score == 0
    assert checked('{"a": [true]}', "a", reference='{"a": [1]}').passed is False
    assert checked('{"a": {"b": 1}}', "a", reference='{"a": {"b": true}}').passed is False


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Olga Marga", "no JSON: "),
        ('["player"]', 'want a JSON object got ["player"]'),
        ('{"player": 1, "player": 2}', 'no JSON: the key "player" stands twice'),
        (None, "an empty answer"),
    ],
)
def test_what_is_no_object_fails(text: str | None, reason: str) -> None:
    """With the reason why."""
    found = checked(text, "player")
    assert (found.passed, found.score) == (False, 0.0)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    ("reference", "fault"),
    [
        (None, "the case has none"),
        ("Olga", "which is no JSON"),
        ("[1]", "has no field any"),
        ('{"team": null}', "has no field player"),
    ],
)
def test_a_case_that_cannot_be_compared_is_a_fault_of_the_suite(reference: str | None, fault: str) -> None:
    """Found when the suite is loaded; a check used on its own gives null."""
    check = build("json_fields", ["player"])
    assert isinstance(check, Compares)
    assert fault in str(check.fault(Seen(None, reference=reference)))
    assert check.check(Seen('{"player": 1}', reference=reference)).passed is None
