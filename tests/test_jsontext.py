"""JSON text of plain data."""

from __future__ import annotations

import json
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.checks.base import FileText
from evalkit.checks.fields import WrittenInt
from evalkit.jsontext import encode, write_whole

texts = st.text(st.characters(), max_size=20)  # lone surrogates too
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
)


@given(values)
def test_what_is_written_is_read_again(value: object) -> None:
    """By anyone who reads JSON, on one line of valid UTF-8."""
    text = encode(value)
    assert json.loads(text.decode("utf-8")) == value
    assert b"\n" not in text


def test_texts_and_numbers_that_remember_more_are_plain_here() -> None:
    """A file's text, a number as it was written, and read-only mappings, beside a lone surrogate too."""
    number = WrittenInt(7)
    number.written = "007"
    data = MappingProxyType({"text": FileText("hi", Path("a.md")), "n": number})
    assert encode(data) == b'{"text":"hi","n":7}'
    assert encode({"odd": "\ud800", "n": number, "m": data}).startswith(b'{"odd":"\\ud800","n":7,"m":{')


def test_what_json_cannot_hold_is_refused() -> None:
    """Not written as something else."""
    with pytest.raises(TypeError, match="object, which JSON cannot hold"):
        encode({"a": object()})


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    """A write that fails half-way leaves the old file."""
    file = tmp_path / "run.json"
    write_whole(file, {"status": "running", "name": "Käse"})
    with pytest.raises(TypeError):
        write_whole(file, {"status": "finished", "odd": object()})
    assert file.read_text("utf-8") == '{\n  "status": "running",\n  "name": "Käse"\n}\n'
