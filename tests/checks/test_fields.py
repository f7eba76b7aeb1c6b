"""Plain data into dataclasses, and the JSON Schema of the same annotations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.checks.fields import Bounds, FieldError, WrittenInt, convert, dotted, fill, object_schema


@dataclass(frozen=True)
class Inner:
    """A nested mapping."""

    word: str


@dataclass(frozen=True)
class Sample:
    """One field of each annotation that is understood."""

    text: str
    share: Annotated[float, Bounds(0, 1)] = 0.5
    count: Annotated[int, Bounds(0)] | None = None
    flag: bool = False
    way: Literal["up", "down"] = "up"
    words: tuple[str, ...] = ()
    either: str | Inner | None = None
    extra: Mapping[str, Any] | None = None


values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.sampled_from(["up", "x", ""]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["word", "x"]), inner),
    max_leaves=5,
)
names = st.sampled_from(["text", "share", "count", "flag", "way", "words", "either", "extra", "other"])


@settings(deadline=None)
@given(st.dictionaries(names, values, max_size=5))
def test_what_is_read_is_valid_against_the_schema(data: dict[str, Any]) -> None:
    """The schema that editors use never refuses what is accepted."""
    try:
        fill(Sample, data)
    except FieldError:
        return
    jsonschema.validate(data, object_schema(Sample))


@settings(deadline=None)
@given(st.dictionaries(names, values, max_size=5))
def test_what_the_schema_refuses_is_refused(data: dict[str, Any]) -> None:
    """And nothing is accepted that the schema marks as wrong."""
    if not jsonschema.Draft202012Validator(object_schema(Sample)).is_valid(data):
        with pytest.raises(FieldError):
            fill(Sample, data)


def test_numbers_become_text_as_written() -> None:
    """`007` where text is due stays 007; where a number is due it is 7."""
    number = WrittenInt(7)
    number.written = "007"
    assert convert(str, number) == "007"
    assert convert(int, number) == 7


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "text: is missing; write text"),
        ({"text": None}, "text: found null; write text"),
        ({"text": "a", "share": 2}, "share: found 2; write a number from 0 to 1"),
        ({"text": "a", "share": float("nan")}, "share: found NaN; write a number from 0 to 1"),
        ({"text": "a", "flag": 1}, "flag: found 1; write true or false"),
        ({"text": "a", "way": "left"}, 'way: found "left"; write up or down'),
        ({"text": "a", "words": ["b", {}]}, "words[1]: found {}; write text"),
        ({"text": "a", "words": 7}, "words: found 7; write a list, each text"),
        ({"text": "a", "either": {"wort": "b"}}, 'either.wort: unknown key "wort"; did you mean word?'),
        ({"text": "a", "either": [1]}, "either: found [1]; write text or a mapping with word"),
        ({"text": "a", "txet": "b"}, 'txet: unknown key "txet"; did you mean text?'),
    ],
)
def test_a_fault_names_field_finding_and_remedy(data: dict[str, Any], message: str) -> None:
    """Also deep inside, and in unions."""
    with pytest.raises(FieldError) as caught:
        fill(Sample, data)
    assert str(caught.value) == message


def test_paths_are_written_as_people_write_them() -> None:
    """Keys with dots, items with brackets."""
    assert dotted(("checks", 2, "length", "max")) == "checks[2].length.max"
