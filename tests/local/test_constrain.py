"""Forms of answers: what may be written under them, and what a hostile one costs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.local.chat_template import Message, Tool, ToolCall
from evalkit.local.constrain import BadGrammar, Grammars, Held, TooComplex
from evalkit.local.grammar import ANY_OBJECT, ANYTHING, Form, JsonForm
from evalkit.local.hermes import parsed

LONGER = [b'{"', b'"}', b'": ', b"tool", b"_call>", b"true", b", ", b"\xc3\xbc", b"\xf0\x9f", b"\x98\x80"]
VOCABULARY = [b"", b"", *(bytes([byte]) for byte in range(256)), *LONGER]  # two stop tokens, then text
STOPS = frozenset({0, 1})
GRAMMARS = Grammars(VOCABULARY, STOPS)

EVERYTHING: dict[str, Any] = {
    "type": "object",
    "properties": {
        'na"me': {"type": "string", "maxLength": 12},
        "code": {"type": "string", "minLength": 2, "maxLength": 3},
        "score": {"type": "integer", "minimum": -3, "maximum": 12},
        "count": {"type": "integer"},
        "ratio": {"type": "number"},
        "sure": {"type": ["boolean", "null"]},
        "sport": {"enum": ["soccer", "soccer, women: all", "Fußball", None, 3]},
        "version": {"const": 1},
        "list": {
            "type": "array",
            "items": {"anyOf": [{"$ref": "#/$defs/pair"}, {"type": "null"}]},
            "maxItems": 2,
        },
    },
    "required": ['na"me', "code", "score", "count", "ratio", "sure", "sport", "version", "list"],
    "additionalProperties": False,
    "$defs": {
        "pair": {
            "type": "object",
            "properties": {"a": {"type": "boolean"}},
            "required": ["a"],
            "additionalProperties": False,
        }
    },
}  # fmt: skip
ANSWERS = st.fixed_dictionaries(
    {
        'na"me': st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=12),
        "code": st.text(st.sampled_from('ab"\\\n\x01ü😀'), min_size=2, max_size=3),
        "score": st.integers(-3, 12),
        "count": st.integers(-(10**14), 10**14),
        "ratio": st.integers(-(10**6), 10**6).map(lambda value: value / 8),
        "sure": st.sampled_from([True, False, None]),
        "sport": st.sampled_from(EVERYTHING["properties"]["sport"]["enum"]),
        "version": st.just(1),
        "list": st.lists(st.none() | st.fixed_dictionaries({"a": st.booleans()}), max_size=2),
    }
)
LIGHT = Tool(
    "set_light",
    "",
    {
        "type": "object",
        "properties": {"room": {"enum": ["hall", "kitchen"]}, "on": {"type": "boolean"}},
        "required": ["room"],
        "additionalProperties": False,
    },
)
END = Tool("end_all", "", {"type": "object", "properties": {}})
DIM = Tool("dim", "", {"type": "object", "properties": {"by": {"type": "integer"}}, "required": ["by"]})
OPEN = Tool("log", "", {"type": "object", "properties": {}, "additionalProperties": {"type": "string"}})


def call_of(name: str, arguments: str) -> str:
    """A call as a model writes it."""
    return Message("assistant", "", tool_calls=(ToolCall(name, arguments),)).said


def held(form: Form) -> Held:
    """A fresh answer under a form."""
    return asyncio.run(GRAMMARS.constraint(form.grammar() or ""))


def permitted(form: Form, text: str) -> bool | None:
    """Whether these bytes are a whole answer; None where no answer begins like this."""
    answer = held(form)
    for byte in text.encode():
        if not answer.mask()[byte + 2]:
            return None
        answer.consume(byte + 2)
    return bool(answer.mask()[list(STOPS)].any())


def written_by_chance(form: Form, seed: int, longest: int = 400) -> str:
    """What a model writes that takes any permitted token, in no more than so many bytes."""
    chance, answer, text = random.Random(seed), held(form), b""
    while len(text) < longest:
        tokens = np.flatnonzero(answer.mask())
        token = int(chance.choice(tokens))
        assert len(tokens), f"nothing may follow {text!r}"
        if token in STOPS:
            return text.decode()
        answer.consume(token)
        text += VOCABULARY[token]
    return ""


@settings(max_examples=30, deadline=None)
@given(ANSWERS)
def test_every_valid_answer_may_be_written(answer: dict[str, Any]) -> None:
    """json.dumps of any valid answer is permitted, and in no other spelling of it."""
    form = Form(JsonForm(EVERYTHING, strict=True))
    in_order = {name: answer[name] for name in EVERYTHING["properties"]}
    text = json.dumps(in_order, ensure_ascii=False)
    assert permitted(form, text) is True
    assert permitted(form, text[:-1]) is False
    assert permitted(form, text + " ") is None
    assert permitted(form, json.dumps(in_order, ensure_ascii=False, separators=(",", ":"))) is None


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_permitted_is_valid(seed: int) -> None:
    """Random tokens, taken only where permitted, spell what is valid."""
    if text := written_by_chance(Form(JsonForm(EVERYTHING, strict=True)), seed):
        jsonschema.validate(json.loads(text), EVERYTHING)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_calls_are_well_formed(seed: int, many: bool) -> None:
    """What must be a call is one, of a known tool, with arguments that satisfy its schema."""
    form = Form(callable=(LIGHT, END), must_call=True, many_calls=many)
    if text := written_by_chance(form, seed):
        said, calls = parsed(text)
        assert not said
        assert len(calls) >= 1 if many else len(calls) == 1
        schemas = {"set_light": LIGHT.parameters, "end_all": {"maxProperties": 0}}
        for call in calls:
            jsonschema.validate(json.loads(call.arguments), schemas[call.name])


CALL = Message("assistant", "", tool_calls=(ToolCall("set_light", '{"room": "hall"}'),)).said
TWO = f"{CALL}\n{CALL}"


@pytest.mark.parametrize(
    ("form", "whole", "never"),
    [
        (Form(callable=(LIGHT,)), ["", "Hi.", f"Hi.\n\n{CALL}", CALL, TWO], ["<tool_call>x", f"{CALL}x"]),
        (Form(callable=(LIGHT,), many_calls=False), ["Hi.", CALL], [TWO]),
        (Form(callable=(LIGHT,), must_call=True), [CALL, TWO], ["H", "{"]),
        (Form(callable=(END,), must_call=True), [], ['<tool_call>{"name": "set_light"']),
        (  # a schema that just lists arguments means no others, unless it says so
            Form(callable=(DIM, OPEN), must_call=True),
            [call_of("dim", '{"by": 1}'), call_of("log", '{"a": "b"}')],
            [call_of("dim", '{"by": 1, "time": null}')],
        ),
        (Form(no_calls=True), ["", "Hi.", "<tool_call", '{"name"'], [CALL]),
        (Form(JsonForm(ANY_OBJECT)), ['{"a": [1, {"b": null}]}', "{}"], ["[", "Hi.", "{ }", CALL]),
        (Form(JsonForm(ANY_OBJECT), (LIGHT,)), ["{}", CALL], ["Hi.", f"{{}}\n{CALL}"]),
    ],
)
def test_forms(form: Form, whole: list[str], never: list[str]) -> None:
    """Text, JSON and calls: which of them may come, alone and behind each other."""
    assert [permitted(form, text) for text in whole] == [True] * len(whole)
    assert [permitted(form, text) for text in never] == [None] * len(never)


def test_no_form_costs_nothing() -> None:
    """Plain text has no grammar."""
    assert ANYTHING.grammar() is None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"$ref": "http://127.0.0.1/x"}, "does not fetch"),
        ({"type": "string", "pattern": "(?=a)b"}, "look-around"),
        ({"type": "object", "properties": {"a": False}, "required": ["a"]}, "unsatisfiable"),
        ({"type": "object", "uniqueItems": True, "not": {}}, "not"),
        ({"allOf": [{"anyOf": [{"required": [f"{a}{b}"]} for b in range(4)]} for a in range(12)]}, "large"),
    ],
)
def test_schemas_that_cannot_be_held(schema: dict[str, Any], message: str) -> None:
    """Says why, and in which line of the grammar; a strict form ignores nothing."""
    with pytest.raises(BadGrammar, match=message) as refusal:
        held(Form(JsonForm(schema, strict=True)))
    assert refusal.value.line == 2
    assert len(str(refusal.value)) <= 300
    with pytest.raises(BadGrammar) as refusal:
        held(Form(callable=(END, Tool("bad", "", schema, strict=True))))
    assert refusal.value.line == 4


HOSTILE: list[dict[str, Any]] = [
    {"type": "string", "pattern": "^(a|b)*a(a|b){20}$"},
    {"type": "string", "pattern": "^((a{1,100}){1,100}){1,100}$"},
    {"type": "string", "maxLength": 10**6},
    {"type": "array", "items": {"type": "integer"}, "minItems": 10**5},
    {"enum": [f"value {number}" for number in range(5000)]},
    {"type": "object", "properties": {f"p{number}": {"type": "integer"} for number in range(1500)}},
    {"$ref": "#/$defs/0", "$defs": {str(n): {"items": {"$ref": f"#/$defs/{n + 1}"}} for n in range(40)}},
]  # fmt: skip


@pytest.mark.parametrize("schema", HOSTILE)
def test_a_hostile_schema_costs_little(schema: dict[str, Any]) -> None:
    """Exponential patterns, endless texts, huge lists: held, or given up, in the twinkling of an eye."""
    began = time.process_time()
    with contextlib.suppress(BadGrammar, TooComplex):
        written_by_chance(Form(JsonForm(schema)), seed=0, longest=100)
    assert time.process_time() - began < 2


def test_a_grammar_that_met_a_bound_is_forgotten() -> None:
    """What failed once is compiled anew: its memory was full, the next answer may do with less."""
    form = Form(JsonForm(HOSTILE[5]))
    for _ in range(2):
        with pytest.raises(TooComplex, match="the schema is too complex"):
            written_by_chance(form, seed=0)


def test_answers_share_a_grammar_but_no_state() -> None:
    """Two answers under one grammar go their own ways."""
    form = Form(JsonForm(EVERYTHING))
    one, other = held(form), held(form)
    one.consume(ord("{") + 2)
    assert other.mask()[ord("{") + 2]
    assert not one.mask()[ord("{") + 2]
