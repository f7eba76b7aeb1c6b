"""JSON schema -> the answers that are permitted, byte by byte."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.local.constrain import compiled, read_response_format
from evalkit.local.grammar import Constrained
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields

EVERYTHING: dict[str, Any] = {
    "type": "object",
    "properties": {
        'na"me': {"type": "string", "maxLength": 12},
        "code": {"type": "string", "minLength": 2, "maxLength": 3},
        "score": {"type": "integer", "minimum": -3, "maximum": 12},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "sure": {"type": ["boolean", "null"]},
        "sport": {"enum": ["soccer", "soccer, women", "Fußball", None, 3]},
        "version": {"const": 1},
        "none": {"type": "null", "description": "always null"},
    },
    "required": ['na"me', "code", "score", "count", "ratio", "sure", "sport", "version", "none"],
    "additionalProperties": False,
}
ANSWERS = st.fixed_dictionaries(
    {
        'na"me': st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
        "code": st.text(st.sampled_from('ab"\\\n\x01ü😀'), min_size=2, max_size=3),
        "score": st.integers(-3, 12),
        "count": st.integers(-(10**14), 10**14),
        "ratio": st.integers(-(10**6), 10**6).map(lambda value: value / 8),
        "sure": st.sampled_from([True, False, None]),
        "sport": st.sampled_from(EVERYTHING["properties"]["sport"]["enum"]),
        "version": st.just(1),
        "none": st.none(),
    }
)


def constraint(schema: dict[str, Any]) -> Constrained:
    return Constrained(compiled(json.dumps(schema), "test"))


@settings(max_examples=40, deadline=None)
@given(ANSWERS)
def test_every_valid_answer_may_be_written(answer: dict[str, Any]) -> None:
    """json.dumps of any valid answer is permitted from its first byte to its last, and may end only there."""
    in_order = {name: answer[name] for name in EVERYTHING["properties"]}
    allow, text = constraint(EVERYTHING), json.dumps(in_order, ensure_ascii=False).encode()
    assert all(allow(text[:end]) for end in range(len(text) + 1))
    assert [end for end in range(len(text) + 1) if allow.may_end(text[:end])] == [len(text)]
    assert not any(allow(text + bytes([byte])) for byte in range(256))


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_permitted_is_valid(seed: int) -> None:
    """Random bytes, taken only where permitted, come to an end, and what they spell is valid."""
    chance, allow, text = random.Random(seed), constraint(EVERYTHING), b""
    while not allow.may_end(text):
        permitted = [byte for byte in range(256) if allow(text + bytes([byte]))]
        assert permitted, f"nothing may follow {text!r}"
        text += bytes([chance.choice(permitted)])
        assert len(text) < 400
    jsonschema.validate(json.loads(text), EVERYTHING)


@pytest.mark.parametrize(
    "beginning",
    [
        b" {",
        b"[",
        b"{}",
        b'{"code"',
        b'{"na\\"me":"',
        b'{"na\\"me": "\xff',
        b'{"na\\"me": "\xed\xa0',  # a surrogate
        b'{"na\\"me": "\n',
        b'{"na\\"me": "\\u0041',  # json.dumps writes A
        b'{"na\\"me": "' + b"x" * 13,
        b'{"na\\"me": "", "code": "x"',
        b'{"na\\"me": "", "code": "xx", "score": 13',
        b'{"na\\"me": "", "code": "xx", "score": 05',
        b'{"na\\"me": "", "code": "xx", "score": 1, "count": 1.',
    ],
)
def test_what_leads_nowhere_is_refused(beginning: bytes) -> None:
    """Other spellings, invalid UTF-8, and values out of bounds are stopped at the first wrong byte."""
    allow = constraint(EVERYTHING)
    assert not allow(beginning)
    assert not allow.may_end(beginning)


def test_many_answers_are_remembered_in_bounds() -> None:
    """Asking about very many beginnings neither fails nor changes the verdicts."""
    allow = constraint(EVERYTHING)
    for number in range(30_000):
        assert allow(b'{"na\\"me": "%d' % number)
    assert allow(b'{"na\\"me": "1')
    assert not allow(b"[")


def strict(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({}, "an object with properties is expected"),
        ({"type": "array"}, "an object with properties is expected"),
        (strict(), "an object with properties is expected"),
        (strict(a={"type": "string"}) | {"additionalProperties": True}, "'additionalProperties' is required"),
        (strict(a={"type": "string"}) | {"required": []}, "Missing 'a'"),
        (strict(a={"type": "array"}), "('properties', 'a'), type 'array' is not supported"),
        (strict(a={"type": "object", "properties": {}}), "'properties' is not supported"),
        (strict(a={"anyOf": []}), "'anyOf' is not supported"),
        (strict(a={"type": "string", "pattern": "x"}), "'pattern' is not supported"),
        (strict(a={"type": "string", "maxLength": 10**9}), "maxLength <= 400"),
        (strict(a={"type": "string", "minLength": 5, "maxLength": 4}), "minLength <= maxLength"),
        (strict(a={"type": "integer", "minimum": 1}), "minimum and maximum together"),
        (strict(a={"type": "integer", "minimum": 1, "maximum": 10**9}), "less than 10000 apart"),
        (strict(a={"type": "number", "minimum": 1}), "for type integer only"),
        (strict(a={"type": []}), "type [] is not supported"),
        (strict(a={"type": ["string", 3]}), "type 3 is not supported"),
        (strict(a={}), "type None is not supported"),
        (strict(a=True), "an object is expected"),
    ],
)
def test_other_schemas_are_refused(schema: dict[str, Any], message: str) -> None:
    """A schema that is not strict or not flat is a 400 that says where and what is supported instead."""
    form = {"type": "json_schema", "json_schema": {"name": "card", "schema": schema}}
    with pytest.raises(ApiError) as refusal:
        read_response_format(Fields({"response_format": form}))
    assert refusal.value.message.startswith("Invalid schema for response_format 'card': ")
    assert message in refusal.value.message
    assert refusal.value.param == "response_format"


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, "response_format.json_schema.name"),
        ({"type": "json_schema", "json_schema": {"name": "x"}}, "response_format.json_schema.schema"),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "schema": 3}},
            "response_format.json_schema.schema",
        ),
        (
            {"type": "json_schema", "json_schema": {"name": 3, "schema": {}}},
            "response_format.json_schema.name",
        ),
        ({}, "response_format.type"),
    ],
)
def test_incomplete_forms_name_the_field(form: dict[str, Any], param: str) -> None:
    """What is missing or of a wrong type is named by its path."""
    with pytest.raises(ApiError) as refusal:
        read_response_format(Fields({"response_format": form}))
    assert refusal.value.param == param


def test_text_asks_for_nothing() -> None:
    """Type text, null and nothing are the same."""
    for body in ({}, {"response_format": None}, {"response_format": {"type": "text"}}):
        assert read_response_format(Fields(body)) is None
