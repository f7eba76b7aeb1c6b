"""Files of recorded answers: what is read from a line, and what is refused with its place."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import RECORDED, Response, Usage
from evalkit.endpoints.recorded import Placed, RecordedLine, question, question_of, read_recorded
from evalkit.errors import InputError


def written(folder: Path, *lines: Any) -> Path:
    """A file of these lines: texts as they are, anything else as JSON."""
    path = folder / "answers.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts), "utf-8")
    return path


def read(folder: Path, *lines: Any) -> list[RecordedLine]:
    """The answers in such a file."""
    return [placed.line for placed in read_recorded(written(folder, *lines))]


def test_the_two_shortest_forms(tmp_path: Path) -> None:
    """A case and a text, or a prompt and a response, are enough; nothing that is not there is made up."""
    by_case, by_prompt = read(tmp_path, {"case": "a", "text": "x"}, {"prompt": "p", "response": "y"})
    assert (by_case.case, by_case.question, by_case.variant) == ("a", None, RECORDED)
    assert by_case.answer() == Response(None, "x")
    assert (by_prompt.case, by_prompt.question) == (None, question_of("p"))
    assert by_prompt.answer() == Response(None, "y")


def test_all_that_an_answer_can_have(tmp_path: Path) -> None:
    """Usage is OpenAI's, with its details, or flat as in evalkit's records; `metadata` is the user's own."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    usage = {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11, "queue_time": 0.1}
    details = {"prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0}}
    whole = {
        "case": "a", "text": None, "tool_calls": [call], "finish_reason": "tool_calls", "refusal": None,
        "latency_ms": 12.5, "model": "m", "at": "2026-11-01T08:00:00Z", "metadata": {"mine": 1},
    }  # fmt: skip
    first, second = read(
        tmp_path, {**whole, "usage": {**usage, **details}}, {**whole, "usage": {**usage, "cached_tokens": 4}}
    )
    wanted = Response(
        "m", None, (call,), finish_reason="tool_calls", usage=Usage(9, 4, 2, 11), latency_ms=12.5
    )
    assert first.answer() == second.answer() == wanted


REFUSED = {
    "[1]": "1: Expected `object`",
    '{"case": "a", "text": "x"': "1: ",
    '{"case": "a", "text": NaN}': "1: JSON is malformed",
    '{"case": 7, "text": "x"}': "1: case: Expected `str | null`, got `int`",
    '{"case": "", "text": "x"}': "1: case: ",
    '{"case": "a", "txt": "x"}': "1: Object contains unknown field `txt`; known: suite, case,",
    '{"text": "x"}': "1: case: nothing says which case this answers; write",
    '{"case": "a"}': "1: text: is missing; write what was answered",
    '{"case": "a", "tool_calls": []}': "1: text: is missing",
    '{"case": "a", "text": "x", "response": "x"}': "1: text: stands beside response",
    '{"case": "a", "text": "x", "latency_ms": -1}': "1: latency_ms: ",
    '{"case": "a", "text": "x", "usage": {"prompt_tokens": "9"}}': "1: usage.prompt_tokens: ",
    '{"case": "a", "tool_calls": [{"name": "f", "arguments": {}}]}': "1: tool_calls: found a call without",
}


@pytest.mark.parametrize(("line", "told"), REFUSED.items())
def test_a_line_that_is_no_answer_is_refused_with_its_place(tmp_path: Path, line: str, told: str) -> None:
    """File, line, field and remedy: a key that is ignored, or another shape of call, gives wrong figures."""
    with pytest.raises(InputError) as fault:
        read(tmp_path, line)
    assert str(fault.value).startswith(f"{tmp_path / 'answers.jsonl'}:{told}")
    assert ";" in str(fault.value)


def test_a_file_that_is_no_text_is_refused_with_its_place(tmp_path: Path) -> None:
    """A byte that is no UTF-8, on its line; a folder; a file that is not there."""
    path = written(tmp_path, {"case": "a", "text": "x"})
    path.write_bytes(path.read_bytes() + b'{"case": "\xff", "text": "x"}\n')
    for place, told in ((path, f"{path}:2: "), (tmp_path, "cannot be read"), (tmp_path / "no", "cannot be")):
        with pytest.raises(InputError, match=told):
            list(read_recorded(place))


def test_lines_know_where_they_begin(tmp_path: Path) -> None:
    """A byte order mark, blank lines and Windows line ends change no position."""
    path = tmp_path / "answers.jsonl"
    lines = ['{"case": "ä", "text": "1"}', "", '{"case": "b", "text": "2"}']
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    found: list[Placed] = list(read_recorded(path))
    assert [(placed.number, placed.line.case) for placed in found] == [(1, "ä"), (3, "b")]
    for placed in found:
        assert json.loads(path.read_bytes()[placed.start :].splitlines()[0])["case"] == placed.line.case


def test_a_question_is_the_same_with_and_without_a_prompt() -> None:
    """System messages in front, training weights and the way a text is written down do not count."""
    user = {"role": "user", "content": "Hi"}
    parts = {"role": "user", "content": [{"type": "text", "text": "H"}, {"type": "text", "text": "i"}]}
    system = {"role": "system", "content": "Be short."}
    assert question([system, user]) == question([user]) == question([parts]) == question_of("Hi")
    assert question([{**user, "weight": 1, "name": None}]) == question_of("Hi")
    assert question([user, {"role": "assistant", "content": "Yes?"}, user]) != question_of("Hi")
    assert question([user, system]) != question_of("Hi")


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
NAMES = st.text(st.characters(exclude_categories=["C", "Zs", "Zl", "Zp"]), min_size=1)


@given(st.lists(st.tuples(NAMES, TEXTS, st.none() | st.integers(0, 9))))
def test_whatever_is_written_is_read_again(rows: list[tuple[str, str, int | None]]) -> None:
    """Any text, any length, any order: each line gives its answer, and stands where it says."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [{"case": case, "text": text, "latency_ms": latency} for case, text, latency in rows]
        path = written(Path(folder), *lines)
        data, found = path.read_bytes(), list(read_recorded(path))
        assert [placed.line.answer().text for placed in found] == [text for _, text, _ in rows]
        for placed, (case, _, latency) in zip(found, rows, strict=True):
            assert (placed.line.case, placed.line.latency_ms) == (case, latency)
            assert json.loads(data[placed.start :].partition(b"\n")[0])["case"] == case


@given(st.binary(max_size=200))
def test_no_bytes_end_a_run_otherwise_than_told(data: bytes) -> None:
    """Whatever stands in the file, it is read or refused with the file's name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        path.write_bytes(data)
        told = str(path)
        try:
            list(read_recorded(path))
        except InputError as fault:
            told = str(fault)
        assert told.startswith(str(path))


def test_half_of_a_surrogate_pair_is_read(tmp_path: Path) -> None:
    """JSON can hold what no UTF-8 can; other loggers write it down."""
    (line,) = read(tmp_path, '{"case": "a", "text": "half \\ud83d"}')
    assert line.answer().text == "half \ud83d"
    with pytest.raises(InputError, match=r":1: "):
        read(tmp_path, '{"case": "\\ud83d", "text": "x"}')
    with pytest.raises(InputError, match=r":1: "):
        read(tmp_path, '{"case": "a", "text": "half \\ud83d"')
