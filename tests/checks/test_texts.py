"""equals, contains and regex; and all checks on any text."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks import CHECKS, CheckArgumentError, Grade, Seen, Verdict, build

# a check of every kind, as suites write them
SAMPLES: dict[str, Any] = {
    "contains": ["Oslo", "city"],
    "equals": None,
    "json_fields": ["player"],
    "json_schema": {"schema": {"type": "object", "properties": {"a": {"pattern": "^a+$"}}}},
    "language": "de",
    "length": {"max": 5, "min": 2, "unit": "sentences"},
    "regex": r"(\w+)\s\1",
    "rubric": "Be kind.",
    "tool_call": "valid",
}


def checked(name: str, argument: Any, text: str | None, **seen: Any) -> Verdict:
    """The verdict of one check on one answer."""
    return build(name, argument).check(Seen(text, **seen))


@pytest.mark.parametrize("name", list(CHECKS))
@settings(max_examples=40, deadline=None)
@given(
    text=st.none() | st.text(st.characters(exclude_categories=()), max_size=200),
    reference=st.none() | st.text(max_size=20) | st.just('{"player": null}'),
)
def test_no_text_crashes_a_check(name: str, text: str | None, reference: str | None) -> None:
    """Any text gives a verdict whose parts agree, a reason unless it passed, a value that JSON can hold."""
    seen = Seen(text, reference=reference, model="evalkit-tiny", judge=lambda *_: Grade(0.5, "so so"))
    found = build(name, SAMPLES[name]).check(seen)
    assert (found.score is None) == (found.passed is None)
    assert found.score is None or 0 <= found.score <= 1
    assert found.passed is True or found.reason
    json.dumps(found.value)


@pytest.mark.parametrize("name", sorted(CHECKS.keys() - {"tool_call"}))
@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (Seen(None), "an empty answer"),
        (Seen(" \n"), "an empty answer"),
        (Seen(None, tool_calls=({"name": "f"},)), "a tool call, no text"),
        (
            Seen("I cannot.", refusal="I cannot help with that."),
            "the model refused: I cannot help with that.",
        ),
    ],
)
def test_an_answer_without_text_fails_with_the_reason(name: str, seen: Seen, reason: str) -> None:
    """Refused, empty and tool-calling answers are the model's behaviour: false, never null, never a crash."""
    found = build(name, SAMPLES[name]).check(seen)
    assert (found.passed, found.score, found.reason) == (False, 0.0, reason)


def test_equals_wants_the_whole_answer() -> None:
    """White space around it aside, unless the suite says otherwise."""
    assert checked("equals", None, " Oslo\n", reference="Oslo").passed
    assert checked("equals", None, "Oslo!", reference="Oslo").reason == 'want "Oslo" got "Oslo!"'
    assert checked("equals", {"strip": False}, " Oslo", reference="Oslo").passed is False
    assert checked("equals", {"text": "OSLO", "ignore_case": True}, "oslo").passed
    assert checked("equals", {"text": "STRASSE", "ignore_case": True}, "Straße").passed


def test_equals_without_anything_to_compare_with_cannot_tell() -> None:
    """Suites are refused at loading; on its own the check says what is missing."""
    assert checked("equals", None, "Oslo").passed is None


def test_contains_can_insist_on_whole_words() -> None:
    """ "old" is part of "cold", but not a word of the sentence; next to punctuation it is one."""
    wanted = {"text": "old", "words": True}
    assert checked("contains", "old", "It is cold.").passed is True
    assert checked("contains", wanted, "It is cold.").passed is False
    assert checked("contains", wanted, "Old? No: old.").passed is True
    assert checked("contains", {**wanted, "ignore_case": True}, "OLD!").passed is True


def test_contains_counts_what_it_finds() -> None:
    """The score is the share found, the value what was found, the reason what was not."""
    found = checked("contains", ["Oslo", "Bergen"], "Oslo, of course.")
    assert found == Verdict(False, 0.5, ["Oslo"], 'does not contain "Bergen"')
    assert checked("contains", {"text": ["Oslo", "Bergen"], "match": "any"}, "Oslo").passed
    assert checked("contains", {"text": "oslo", "ignore_case": True}, "OSLO").passed
    assert checked("contains", None, "It is Oslo.", reference=" Oslo").passed


def test_regex_searches_or_matches_the_whole() -> None:
    """The value is what matched."""
    assert checked("regex", r"\d{4}", "in 1969, July").value == "1969"
    assert checked("regex", {"pattern": r"\d{4}", "full": True}, "in 1969").passed is False
    assert checked("regex", {"pattern": r"\d{4}", "full": True}, " 1969\n").passed
    assert checked("regex", {"pattern": "oslo", "ignore_case": True}, "OSLO").passed
    assert checked("regex", "Bergen", "Oslo").reason == '"Oslo" has nothing like Bergen'


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|aa)+$", r"([a-z]+)*=", r"(.*a){25}b"])
def test_a_hostile_pattern_ends_in_a_verdict_within_seconds(pattern: str) -> None:
    """A match, no match, or null after the time limit; never a run that hangs."""
    started = time.process_time()
    found = checked("regex", pattern, "a" * 50 + "!")
    assert found.passed in (False, None)
    assert time.process_time() - started < 5


def test_a_stopped_pattern_gives_null_and_says_so() -> None:
    """Nobody can tell whether it would have matched."""
    found = checked("regex", "(a|aa)+$", "a" * 60 + "!")
    assert found.passed is None
    assert "took longer than 1 s of processor time" in found.reason


@pytest.mark.parametrize(
    "pattern",
    [
        "((a{1000}){1000}){1000}",
        "x{2000000000}",
        "(?R)",
        "(?P<a>x(?&a)?)",
        "(" * 3_000 + ")" * 3_000,
        "a" * 20_000,
    ],
)
def test_a_pattern_that_would_fill_the_memory_is_refused(pattern: str) -> None:
    """Unrolled counts, recursion and depth are found before anything is compiled or run."""
    with pytest.raises(CheckArgumentError):
        build("regex", pattern)


@settings(deadline=None)
@given(st.text(st.sampled_from("ab(){}[]|?*+^$\\.,0123:<>=!P"), max_size=25))
def test_any_text_is_a_pattern_or_an_argument_error(pattern: str) -> None:
    """No other exception comes out of the compiler."""
    with suppress(CheckArgumentError):
        build("regex", pattern)
