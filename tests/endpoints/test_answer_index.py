"""Which recorded answer belongs to which case."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.endpoints.answer_index import AnswerIndex
from evalkit.endpoints.recorded import question_of
from evalkit.errors import InputError
from tests.endpoints.test_recorded import written

Cases = Mapping[tuple[str, str], str]
"""(suite, id) -> what is asked."""


@contextmanager
def indexed(
    folder: Path, cases: Cases, lines: Iterable[Any], variant: str = "recorded"
) -> Iterator[AnswerIndex]:
    """An index over these lines, told of these cases."""
    with closing(AnswerIndex(written(folder, *lines), variant)) as index:
        for (suite, case), asked in cases.items():
            index.expect(suite, case, {question_of(asked)})
        index.match()
        yield index


def found(index: AnswerIndex, suite: str, case: str) -> list[str | None]:
    """All answers of a case."""
    texts = []
    while line := index.find(suite, case, len(texts)):
        texts.append(line.answer().text)
    return texts


def test_an_answer_is_matched_by_its_case_and_else_by_what_was_asked(tmp_path: Path) -> None:
    """An id that a suite has counts alone; one that no suite has any more leaves it to the prompt's text."""
    cases = {("s", "a"): "ask a", ("s", "b"): "ask b", ("s", "c"): "ask c"}
    lines = [
        {"case": "a", "prompt": "ask b", "text": "1"},
        {"prompt": "ask b", "text": "2"},
        {"case": "renamed", "prompt": "ask c", "text": "3"},
        {"case": "gone", "text": "4"},
        {"prompt": "never asked", "text": "5"},
    ]
    with indexed(tmp_path, cases, lines) as index:
        assert [found(index, "s", case) for case in "abc"] == [["1"], ["2"], ["3"]]
        assert (index.unmatched().count, str(index.unmatched())) == (2, "line 4 (gone), line 5")


def test_two_cases_that_ask_the_same_share_an_answer(tmp_path: Path) -> None:
    """The same prompt under other checks is another case: the answer is one to both."""
    lines = [{"prompt": "ask", "text": "1"}]
    with indexed(tmp_path, {("s", "a"): "ask", ("t", "b"): "ask"}, lines) as index:
        assert found(index, "s", "a") == found(index, "t", "b") == ["1"]


def test_a_suite_in_the_line_keeps_others_from_it(tmp_path: Path) -> None:
    """Two suites may have cases of the same id."""
    lines = [{"suite": "s", "case": "1", "text": "of s"}, {"suite": "t", "case": "1", "text": "of t"}]
    with indexed(tmp_path, {("s", "1"): "x", ("t", "1"): "y"}, lines) as index:
        assert (found(index, "s", "1"), found(index, "t", "1")) == (["of s"], ["of t"])


def test_several_answers_of_a_case_are_its_repeats(tmp_path: Path) -> None:
    """In the order of `repeat` where the lines say one, else as they stand; those beyond are counted."""
    lines = [
        {"case": "a", "text": "third", "repeat": 2},
        {"case": "a", "text": "last"},
        {"case": "a", "text": "first", "repeat": 0},
        {"case": "b", "text": "only"},
    ]
    with indexed(tmp_path, {("s", "a"): "x", ("s", "b"): "y"}, lines) as index:
        assert found(index, "s", "a") == ["first", "third", "last"]
        assert [index.has("s", *place) for place in (("a", 2), ("a", 3), ("b", 1))] == [True, False, False]
        assert [index.beyond(repeats) for repeats in (1, 2, 3)] == [2, 1, 0]


def test_a_variant_has_its_own_lines_or_all_of_a_file_that_has_one(tmp_path: Path) -> None:
    """Last month's file may call them `ft` and the variant be called `old`; two others are no choice."""
    cases = {("s", "a"): "x"}
    lines = [{"case": "a", "text": "1", "variant": "ft"}]
    with indexed(tmp_path, cases, lines, "old") as index:
        assert found(index, "s", "a") == ["1"]
    lines.append({"case": "a", "text": "2", "variant": "base"})
    with indexed(tmp_path, cases, lines, "base") as index:
        assert (found(index, "s", "a"), index.count) == (["2"], 1)
    with pytest.raises(InputError, match="has answers of ft, base, and none of old; call the variant"):
        AnswerIndex(written(tmp_path, *lines), "old")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    """Nothing to grade is a mistake."""
    with pytest.raises(InputError, match="holds no answer"):
        AnswerIndex(written(tmp_path), "recorded")


IDS = st.sampled_from("abcd")
ANSWERS = st.lists(st.tuples(st.none() | IDS, st.none() | IDS).filter(any), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(IDS, IDS)), ANSWERS)
def test_matching_is_what_the_words_say(cases: set[tuple[str, str]], answers: list[Any]) -> None:
    """By id, else by prompt, each answer to every case that it fits: as ten plain lines of Python have it."""
    known = {("s", case): f"ask {asked}" for case, asked in cases}
    lines = [
        {key: value for key, value in (("case", case), ("prompt", asked and f"ask {asked}")) if value}
        | {"text": str(number)}
        for number, (case, asked) in enumerate(answers)
    ]
    ids = {case for _, case in known}
    with tempfile.TemporaryDirectory() as folder, indexed(Path(folder), known, lines) as index:
        used = set()
        for (suite, case), asked in known.items():
            own = [line["text"] for line in lines if line.get("case") == case]
            asking = (line for line in lines if line.get("case") not in ids and line.get("prompt") == asked)
            wanted = own or [line["text"] for line in asking]
            assert found(index, suite, case) == wanted
            used.update(wanted)
        assert index.unmatched().count == len(lines) - len(used)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """100,000 answers are indexed and found within 2 MB of Python's memory."""
    path = tmp_path / "many.jsonl"
    with path.open("w") as file:
        file.writelines(f'{{"case": "case-{n}", "text": "answer {n}"}}\n' for n in range(100_000))
    tracemalloc.start()
    with closing(AnswerIndex(path, "recorded")) as index:
        for n in range(100_000):
            index.expect("s", f"case-{n}", {b"%16d" % n})
        index.match()
        line = index.find("s", "case-77777", 0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert line is not None
    assert line.text == "answer 77777"
    assert peak < 2_000_000
