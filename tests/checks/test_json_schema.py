"""json_schema: strict JSON, valid against a schema that fetches nothing and hangs nobody."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks import CheckArgumentError, FileText, Seen, Verdict, build

PLAYER = {
    "type": "object",
    "properties": {"player": {"type": ["string", "null"]}, "goals": {"type": "integer", "minimum": 0}},
    "required": ["player"],
    "additionalProperties": False,
}


def checked(schema: Any, text: str | None, **arguments: Any) -> Verdict:
    """The verdict on one answer."""
    return build("json_schema", {"schema": schema, **arguments}).check(Seen(text))


def test_a_valid_answer_passes_with_its_value() -> None:
    """The extracted value is the parsed JSON."""
    assert checked(PLAYER, '{"player": null, "goals": 2}') == Verdict(
        True, 1.0, {"player": None, "goals": 2}, ""
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"player": 12}', '$.player: want type ["string", "null"], got 12'),
        ('{"player": "x", "goals": -1}', "$.goals: want minimum 0, got -1"),
        ('{"goals": 1}', "$: 'player' is a required property"),
        ('{"player": "x", "team": "y"}', '$: the key "team" is not allowed'),
        ("[]", '$: want type "object", got []'),
        ('The answer: {"player": "x"}', "no JSON: Expecting value at line 1, column 1"),
        ('```json\n{"player": "x"}\n```', "no JSON: Expecting value at line 1, column 1"),
        ('{"player": NaN}', "no JSON: NaN is no JSON value"),
        ("[" * 9_999, "no JSON: nested more than 64 levels deep"),
        ("", "an empty answer"),
        (None, "an empty answer"),
    ],
)
def test_a_failed_verdict_names_place_and_expectation(text: str | None, reason: str) -> None:
    """Hostile and empty answers fail like any other, with a reason."""
    found = checked(PLAYER, text)
    assert (found.passed, found.score, found.reason) == (False, 0.0, reason)


def test_a_fence_must_be_asked_for() -> None:
    """`fences: allow` opts in."""
    assert checked(PLAYER, '```json\n{"player": "x"}\n```', fences="allow").passed


def test_without_a_schema_any_json_passes() -> None:
    """`json_schema: {}` is what promptfoo calls is-json."""
    check = build("json_schema", {})
    assert check.check(Seen("[1, 2]")).passed
    assert check.check(Seen("one, two")).passed is False


def test_a_schema_file_is_parsed_and_named_in_its_faults(tmp_path: Path) -> None:
    """Its text comes from the suite's folder; a fault in it says which file."""
    file = tmp_path / "x.schema.json"
    assert build("json_schema", FileText('{"type": "integer"}', file)).check(Seen("3")).passed
    with pytest.raises(CheckArgumentError, match=r"json_schema: x\.schema\.json: Expecting .* at line 1"):
        build("json_schema", FileText("{type: integer}", file))


def test_the_draft_that_the_schema_names_is_used() -> None:
    """Draft 4 has a boolean exclusiveMinimum, which 2020-12 refuses."""
    schema = {"minimum": 3, "exclusiveMinimum": True}
    draft4 = {"$schema": "http://json-schema.org/draft-04/schema#", **schema}
    assert checked(draft4, "3").passed is False
    assert checked(draft4, "4").passed
    with pytest.raises(CheckArgumentError, match="exclusiveMinimum"):
        checked(schema, "3")


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (
            {"$ref": "https://example.com/schema.json"},
            "leads outside the schema, and nothing is ever fetched",
        ),
        ({"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}}, "leads outside"),
        ({"allOf": [{"$ref": "file:///etc/passwd"}]}, "leads outside"),
        ({"$ref": "#/$defs/missing"}, "leads outside"),
        ({"$dynamicRef": "other.json"}, "leads outside"),
        ({"$ref": "#"}, "refers to itself without end"),
        ({"type": "strnig"}, "no JSON Schema"),
        ({"required": "player"}, "no JSON Schema"),
        ({"$schema": "https://example.com/my-draft"}, "unknown \\$schema"),
        ({"$schema": 7}, "unknown \\$schema"),
        ({"pattern": "("}, "pattern"),
        ({"properties": {"a": {"patternProperties": {"[": True}}}}, "pattern"),
        ({"patternProperties": {"a": True}, "unevaluatedProperties": False}, "additionalProperties instead"),
    ],
)
def test_a_schema_that_cannot_be_used_is_refused_when_it_is_built(schema: Any, message: str) -> None:
    """Before anything is asked: nothing is fetched, then or later."""
    with pytest.raises(CheckArgumentError, match=message):
        build("json_schema", {"schema": schema})


def test_references_inside_the_schema_work() -> None:
    """$defs, anchors and recursion."""
    tree = {"$ref": "#/$defs/node", "$defs": {"node": {"type": "array", "items": {"$ref": "#/$defs/node"}}}}
    assert checked(tree, "[[], [[]]]").passed
    assert checked(tree, "[[], [1]]").reason == '$[1][0]: want type "array", got 1'
    assert checked({"$ref": "#n", "$defs": {"n": {"$anchor": "n", "type": "integer"}}}, "1").passed


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"pattern": "^(a|aa)+$"}, json.dumps("a" * 60 + "!")),
        ({"patternProperties": {"^(a|aa)+$": False}}, json.dumps({"a" * 60 + "!": 1})),
        (
            {"patternProperties": {"^(a|aa)+$": True}, "additionalProperties": False},
            json.dumps({"a" * 60 + "!": 1}),
        ),
    ],
)
def test_a_hostile_pattern_in_a_schema_is_stopped(schema: Any, text: str) -> None:
    """Also where it matches keys; the verdict is null, for nobody can tell."""
    started = time.process_time()
    found = checked(schema, text)
    assert found.passed is None
    assert "took longer than" in found.reason
    assert time.process_time() - started < 5


def test_slow_matches_do_not_add_up() -> None:
    """A thousand strings that take a fifth of a second each are stopped like one that takes minutes."""
    started = time.process_time()
    found = checked({"items": {"pattern": "^(a|aa)+$|x"}}, json.dumps(["a" * 26 + "!x"] * 1_000))
    assert found.passed is None
    assert time.process_time() - started < 5


def test_many_mixed_items_are_compared_in_linear_time() -> None:
    """uniqueItems of 20,000 items of different types, which cannot be sorted."""
    items: list[Any] = [[n, str(n), {"n": n}][n % 3] for n in range(20_000)]
    started = time.process_time()
    assert checked({"uniqueItems": True}, json.dumps(items)).passed
    assert checked({"uniqueItems": True}, json.dumps([*items, {"n": 2}])).passed is False
    assert time.process_time() - started < 5


def test_json_equality_of_items() -> None:
    """1 and 1.0 are the same item, 1 and true are not."""
    assert checked({"uniqueItems": True}, "[1, true, [1], [true]]").passed
    assert checked({"uniqueItems": True}, "[1, 1.0]").passed is False


def test_an_answer_with_thousands_of_faults_is_told_shortly() -> None:
    """The reason stays readable, and comes quickly."""
    found = checked({"items": {"type": "string"}}, json.dumps(list(range(100_000))))
    assert found.passed is False
    assert len(found.reason) < 300


keywords = st.sampled_from(
    [
        *(
            "type",
            "enum",
            "const",
            "properties",
            "patternProperties",
            "additionalProperties",
            "items",
            "prefixItems",
        ),
        *(
            "$ref",
            "$defs",
            "$id",
            "$anchor",
            "$dynamicRef",
            "$schema",
            "definitions",
            "id",
            "not",
            "anyOf",
            "if",
        ),
        *("required", "pattern", "minimum", "multipleOf", "uniqueItems", "contains", "unevaluatedProperties"),
    ]
)
leaves = st.sampled_from(
    [
        None,
        True,
        False,
        0,
        -1,
        0.5,
        "",
        "#",
        "#/$defs/a",
        "a",
        "http://[",
        "urn:x",
        "string",
        "object",
        "^a+$",
        "(",
    ]
)
schemas = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(keywords | st.just("a"), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(schema=st.dictionaries(keywords, schemas, max_size=3), value=schemas)
def test_any_schema_is_used_or_refused(schema: dict[str, Any], value: Any) -> None:
    """And no answer crashes one that was accepted."""
    try:
        check = build("json_schema", {"schema": schema})
    except CheckArgumentError:
        return
    assert check.check(Seen(json.dumps(value))).passed in (True, False, None)
