"""Lines are those of a text file in Python, in memory that a block needs."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.dataset import lines
from evalkit.dataset.lines import read_blocks, read_lines

pieces = st.sampled_from([b"\n", b"\r", b"\r\n", b"a", b"bcd", b"e" * 9, b"\x0b\x0c\x85"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(pieces, max_size=30), block=st.integers(1, 12))
def test_the_lines_are_python_s(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, parts: list[bytes], block: int
) -> None:
    """Universal newlines, numbered from 1, wherever the blocks are cut."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", block)
    path = tmp_path / "file"
    path.write_bytes(b"".join(parts))
    with path.open(encoding="latin-1") as text:
        expected = [line.rstrip("\n").encode("latin-1") for line in text]
    found = list(read_lines(path))
    assert [line.raw for line in found] == expected
    assert [line.number for line in found] == list(range(1, len(expected) + 1))
    assert b"".join(block.data for block in read_blocks(path)) == path.read_bytes()


def test_a_line_without_end_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays recognisably too long, and the next line is whole."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 10)
    monkeypatch.setattr(lines, "MAX_LINE_BYTES", 25)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000 + b"\nshort\n" + b"y" * 1000)
    first, second, third = read_lines(path)
    assert 25 < len(first.raw) < 100
    assert (second.number, second.raw) == (2, b"short")
    assert (third.number, len(third.raw)) == (3, 26)
