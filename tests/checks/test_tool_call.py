"""tool_call: the calls that are due, valid against the tools, and none where text is due."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.checks import Seen, Verdict, build
from evalkit.checks.base import Compares

LIGHT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "room": {"enum": ["hall", "attic"]},
        "on": {"type": "boolean"},
        "note": {"type": "string"},
    },
    "required": ["room", "on"],
    "additionalProperties": False,
}
TOOLS = (
    {"type": "function", "function": {"name": "set_light", "parameters": LIGHT}},
    {"type": "function", "function": {"name": "all_off"}},
)


def call(name: str = "set_light", arguments: Any = None, **given_arguments: Any) -> dict[str, Any]:
    """A call in OpenAI's form."""
    text = json.dumps(given_arguments) if arguments is None else arguments
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}


HALL = call(room="hall", on=True)


def checked(*made: Any, due: tuple[Any, ...] = (HALL,), text: str | None = None, **argument: Any) -> Verdict:
    """The verdict on an answer that makes these calls where those are due."""
    reference = None if due else "I cannot do that."
    return build("tool_call", argument or None).check(
        Seen(text, tool_calls=made, reference=reference, reference_calls=due, tools=TOOLS)
    )


def test_the_same_call_passes_however_its_arguments_are_ordered() -> None:
    """Arguments are JSON values, not texts."""
    found = checked(call(arguments='{"on":true,  "room":"hall"}'))
    assert (found.passed, found.score, found.value) == (True, 1.0, ['set_light(on=true, room="hall")'])


def test_another_argument_fails_with_both_calls_side_by_side() -> None:
    """So that a person sees what went wrong."""
    found = checked(call(room="attic", on=True))
    assert (found.passed, found.score) == (False, 0.0)
    assert found.reason == 'want set_light(room="hall", on=true) got set_light(room="attic", on=true)'


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (call("open_door"), "calls open_door, which is none of the tools set_light, all_off"),
        (call(room="cellar", on=True), '$.room: want enum ["hall", "attic"], got "cellar"'),
        (call(room="hall"), "'on' is a required property"),
        (call(room="hall", on=True, until="dawn"), 'the key "until" is not allowed'),
        (call(arguments='{"room": "hall", "on": tru'), "the arguments of set_light are no JSON"),
        (call(arguments="[1]"), "the arguments of set_light are no JSON object"),
        ({"id": "call_1"}, "the call names no function"),
        ({"function": {"name": ["x"]}}, "the call names no function"),
    ],
)
@pytest.mark.parametrize("want", ["same", "valid"])
def test_a_call_that_cannot_be_carried_out_fails(made: Any, reason: str, want: str) -> None:
    """Unknown tool, arguments against the schema, no JSON, no call at all."""
    found = checked(made, want=want)
    assert found.passed is False
    assert reason in found.reason


def test_text_where_a_call_is_due_fails() -> None:
    """And so does silence."""
    assert checked(text="Done!").reason == 'want set_light(room="hall", on=true) got "Done!"'
    assert checked(want="valid").reason == 'want set_light(room="hall", on=true) got nothing'


def test_where_text_is_due_a_call_fails_and_text_passes() -> None:
    """Some requests are to be refused."""
    assert checked(text="I cannot do that.", due=()).passed is True
    assert checked(HALL, due=()).reason == 'want text got set_light(room="hall", on=true)'
    assert checked(due=()).reason == "an empty answer"


def test_valid_compares_no_arguments() -> None:
    """It asks for the form of a call only."""
    assert checked(call(room="attic", on=False), want="valid").passed is True


def test_arguments_may_be_left_out_of_the_comparison() -> None:
    """Free text is worded anew each time."""
    due = call(room="hall", on=True, note="as asked")
    made = call(room="hall", on=True, note="here you are")
    assert checked(made, due=(due,), ignore=["note"]).passed is True
    assert checked(made, due=(due,)).passed is False


def test_several_calls_count_in_any_order() -> None:
    """The score is the share that is right, of whichever are more."""
    attic, off = call(room="attic", on=False), call("all_off")
    assert checked(attic, HALL, due=(HALL, attic)).passed is True
    some = checked(HALL, due=(HALL, attic))
    assert (some.passed, some.score) == (False, 0.5)
    assert some.reason == 'want set_light(room="attic", on=false) too'
    many = checked(HALL, off, off, due=(HALL,))
    assert (many.passed, many.score, many.reason) == (False, 1 / 3, "all_off() and all_off() is too much")


def test_a_call_made_once_does_not_answer_two() -> None:
    """Each call that is due wants one of its own."""
    assert checked(HALL, due=(HALL, HALL)).passed is False


def test_a_case_that_says_nothing_of_calls_is_a_fault_of_the_suite() -> None:
    """Found when the suite is loaded; a check used on its own gives null."""
    check = build("tool_call")
    assert isinstance(check, Compares)
    assert "the case has none" in str(check.fault(Seen(None, tools=TOOLS)))
    bad = Seen(None, reference_calls=(call("open_door"),), tools=TOOLS)
    assert "none of the tools" in str(check.fault(bad))
    assert check.check(bad).passed is None


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.sampled_from(["id", "function", "type"]), json_values), max_size=3))
def test_no_call_breaks_the_check(made: list[dict[str, Any]]) -> None:
    """What a server sends is untrusted: a verdict comes, whatever it is."""
    assert checked(*made).passed in (True, False)


@given(st.dictionaries(st.text(), json_values, max_size=3))
def test_a_call_equals_itself(arguments: dict[str, Any]) -> None:
    """Any arguments of a tool without a schema, through JSON and back."""
    made = call("all_off", arguments=json.dumps(arguments))
    assert checked(made, due=(made,)).passed is True
