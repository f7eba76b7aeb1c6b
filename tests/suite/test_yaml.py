"""YAML 1.2 core, from files that may be hostile."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.suite.document import Document
from evalkit.suite.yaml import MAX_BYTES, plain, read

FILE = Path("suite.yaml")


def document(text: str | bytes) -> Document:
    """The text read as a suite.yaml."""
    return read(FILE, text if isinstance(text, bytes) else text.encode())


def bomb(levels: int = 9) -> str:
    """Each list holds the one before nine times: 9 to the power of `levels` values."""
    lists = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, levels)]
    return "\n".join(["l0: &l0 [x, x, x, x, x, x, x, x, x]", *lists])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("Yes", "Yes"),
        ("off", "off"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2001-01-01", "2001-01-01"),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("=", "="),
        ("<<", "<<"),
    ],
)
def test_an_unquoted_word_means_what_the_core_schema_says(text: str, value: Any) -> None:
    """Norwegian stays Norwegian: no yes/no/on/off, no dates, no sexagesimals."""
    assert plain(text) == value
    assert type(plain(text)) is type(value) or isinstance(value, int | float)
    assert document(f"a: {text}").data == {"a": value}


def test_quoted_and_block_texts_are_texts() -> None:
    """Whatever they look like."""
    assert document("a: '1'\nb: \"true\"\nc: |\n  null\nd: >-\n  no\n  way\n").data == {
        "a": "1",
        "b": "true",
        "c": "null\n",
        "d": "no way",
    }


def test_numbers_remember_how_they_were_written() -> None:
    """For places where text is due."""
    data = document("a: 007\nb: 1.50").data
    assert (data["a"].written, data["b"].written, str(data["b"])) == ("007", "1.50", "1.50")


def test_every_value_has_its_line() -> None:
    """Keys, items, and what is inside them; an unknown path has the line of what is around it."""
    read = document("a: 1\nb:\n  - c: 2\n    d:\n      e: 3\n  - f\n")
    lines = {path: read.line(path) for path in [("a",), ("b", 0, "d", "e"), ("b", 1), ("b", 0, "zzz", 3)]}
    assert lines == {("a",): 1, ("b", 0, "d", "e"): 5, ("b", 1): 6, ("b", 0, "zzz", 3): 3}


def test_aliases_are_read_as_what_they_stand_for() -> None:
    """As long as they stay small."""
    assert document("a: &x [1, 2]\nb: *x").data == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", None, "is empty"),
        ("# nothing\n", None, "is empty"),
        ("a: 1\nb: 2\na: 3\n", 3, 'the key "a" stands twice; the first is on line 1'),
        ("a: 1\nb: !!python/object:os.system x\n", 2, "found the tag"),
        ("a: !!str 1\n", 1, "found the tag"),
        ("!!set {a}\n", 1, "found the tag"),
        ("a: &x [*x]\n", 1, "&x is not complete before it"),
        ("a: *nobody\n", 1, "&nobody is not complete"),
        ("a: 1\n---\nb: 1\n", 2, "a second document begins here"),
        ("a: 1\n? [b]\n: 2\n", 2, "a key that is no text"),
        ("a: .nan\n", 1, "write a finite number"),
        ("a: 1e999\n", 1, "write a finite number"),
        ("a: 1\n\tb: 2\n", 2, "no YAML"),
        ("a: [1,\nb: 2\n", 3, "while parsing a flow sequence begun on line 1"),
        ('a: "x\n', 2, "begun on line 1"),
        ("a: \x07\n", 1, "no YAML"),
        (b"a: 1\nb: \xff\n", 2, "found the byte 0xff, which is no UTF-8"),
        (b"\xff\xfea\x00", 1, "found the byte 0xff"),
        ("- " * 1_000, 1, "nested more than 50 levels deep"),
        ("[" * 100_000, 1, "nested more than 50 levels deep"),
        (b"#" * (MAX_BYTES + 1), None, "is larger than 262,144 bytes"),
    ],
)
def test_what_cannot_be_trusted_is_refused_with_its_line(
    text: str | bytes, line: int | None, what: str
) -> None:
    """One message each; nothing is half-read."""
    with pytest.raises(InputError, match=r"suite\.yaml") as caught:
        document(text)
    assert what in caught.value.what
    assert line is None or caught.value.line == line


def test_a_yaml_bomb_is_refused_quickly() -> None:
    """Values are counted with all aliases written out, before they are."""
    started = time.process_time()
    with pytest.raises(InputError, match="aliases written out"):
        document(bomb())
    assert time.process_time() - started < 2


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80) | st.text(st.sampled_from("ab: -[]{}&*!|>'\"#%@,?\n\t~.1é")).map(str.encode))
def test_any_bytes_are_a_document_or_an_input_error(data: bytes) -> None:
    """No other exception, whatever the parser thinks of them."""
    try:
        read = document(data)
    except InputError:
        return
    assert read.line() is not None
