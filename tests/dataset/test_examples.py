"""A training file as a sequence: every line findable, byte for byte."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from evalkit.dataset.examples import ExampleFile
from evalkit.errors import InputError

LINES = [b'{"ask": "a"}\r\n', b"\n", b'\xef\xbb\xbf{"ask": "\xc3\xa9"}\n', b'{"ask": "c"}']


def test_lines_keep_their_numbers_and_bytes(tmp_path: Path) -> None:
    """Blank lines are left out but counted; a line is given with the very bytes that it has."""
    file = tmp_path / "data.jsonl"
    file.write_bytes(b"".join(LINES))
    with closing(ExampleFile(file)) as examples:
        assert [example.asked for example in examples] == [("a",), ("é",), ("c",)]
        assert list(examples.numbers) == [1, 3, 4]
        assert [examples.raw(place) for place in range(3)] == [LINES[0], LINES[2], LINES[3]]
        assert [example.asked for example in examples[1:]] == [("é",), ("c",)]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b'{"ask": "a",}', "column 13"),
        (b'{"ask": "\xff"}', "UTF-8"),
        (b"[" * 100_000, "nested"),
        (b'{"text": 1}', "has no messages"),
    ],
)
def test_a_line_that_is_no_example_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    """The error names file and line, and the command that shows everything wrong with the file."""
    file = tmp_path / "data.jsonl"
    file.write_bytes(b'{"ask": "a"}\n' + line)
    with closing(ExampleFile(file)) as examples, pytest.raises(InputError, match=said) as fault:
        list(examples)
    assert f"{file}:2" in str(fault.value)
    assert "evalkit dataset check" in str(fault.value)


def test_a_file_that_is_not_there_is_bad_input(tmp_path: Path) -> None:
    """It is refused with its name."""
    with pytest.raises(InputError, match="cannot be read"):
        ExampleFile(tmp_path / "none.jsonl")


def test_a_line_without_end_is_refused_in_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is too long to be an example is not read to its end."""
    monkeypatch.setattr("evalkit.dataset.examples.MAX_LINE_BYTES", 1 << 20)
    file = tmp_path / "data.jsonl"
    file.write_bytes(b'{"ask": "a"}\n' + b" " * (1 << 20) + b"x")
    with pytest.raises(InputError, match="more than 1 MiB") as fault:
        ExampleFile(file)
    assert f"{file}:2" in str(fault.value)
