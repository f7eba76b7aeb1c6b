"""JSON to the letter, from texts that may be hostile."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks.strict_json import MAX_CHARS, MAX_DEPTH, NotJson, parse

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(deadline=None)
@given(json_values)
def test_every_json_value_is_read(value: Any) -> None:
    """What Python writes as strict JSON comes back equal, escaped or not."""
    assert parse(json.dumps(value)) == value
    assert parse(f" {json.dumps(value, ensure_ascii=False)}\n") == value


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_any_text_is_a_value_or_not_json(text: str) -> None:
    """No other error, and what is read can be written down as UTF-8."""
    try:
        value = parse(text, "allow")
    except NotJson:
        return
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("NaN", "NaN is no JSON value"),
        ("[Infinity]", "Infinity is no JSON value"),
        ("-Infinity", "-Infinity is no JSON value"),
        ("1e400", "too large"),
        ("1" * 5_000, "a number of 5000 digits"),
        ('{"a": 1, "b": 2, "a": 3}', 'the key "a" stands twice'),
        ('{"a": 1} indeed', "at line 1, column 10"),
        ("", "Expecting value"),
        ('"\\ud800"', "half of a surrogate pair"),
        ("[" * 100_000, f"more than {MAX_DEPTH} levels"),
        ('{"a":' * 500 + "1" + "}" * 500, f"more than {MAX_DEPTH} levels"),
        ("[" + "1," * MAX_CHARS + "1]", "longer than 1,000,000 characters"),
    ],
)
def test_what_python_takes_for_json_and_is_none(text: str, why: str) -> None:
    """Each is refused with a reason, none with another exception."""
    with pytest.raises(NotJson, match=why):
        parse(text)


def test_brackets_in_strings_do_not_nest() -> None:
    """Depth is counted outside strings, escaped quotes included."""
    text = json.dumps(["[" * 1_000 + '\\"{'])
    assert parse(text) == ["[" * 1_000 + '\\"{']


@pytest.mark.parametrize("text", ['```json\n{"a": 1}\n```', '```\n{"a": 1}\n```\n', ' {"a": 1} '])
def test_a_fence_around_the_whole_is_read_where_it_is_allowed(text: str) -> None:
    """With or without the word json; a bare value is still read."""
    assert parse(text, "allow") == {"a": 1}


@pytest.mark.parametrize(
    "text", ['Here: ```json\n{"a": 1}\n```', '```json\n{"a": 1}\n``` Voilà.', "```json\n"]
)
def test_text_beside_a_fence_is_never_read(text: str) -> None:
    """A fence is no search."""
    with pytest.raises(NotJson):
        parse(text, "allow")
