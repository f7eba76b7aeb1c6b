"""Cases that stay on disk."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import InputError
from evalkit.suite import Selection, Suite, load_suite, select
from evalkit.suite.stored import Chosen, StoredCases

YAML = "prompt: Answer.\ncases: cases.jsonl\nchecks: [contains: o]\n"


def suite_of(folder: Path, lines: list[str]) -> Suite:
    """A suite with these lines as its cases."""
    folder.mkdir(exist_ok=True)
    (folder / "suite.yaml").write_text(YAML, "utf-8")
    (folder / "cases.jsonl").write_text("\n".join(lines), "utf-8")
    return load_suite(folder)


def line(ask: str, **keys: object) -> str:
    """One case."""
    return json.dumps({"ask": ask, "answer": "Oslo", **keys}, ensure_ascii=False)


def test_each_case_is_read_from_its_place(tmp_path: Path) -> None:
    """Blank lines, a byte order mark, CRLF and letters of several bytes do not shift it."""
    asks = ["Où?", "¿Dónde está Łódź?", "where", "日本"]
    lines = ["\ufeff" + line(asks[0]), "", line(asks[1]) + "\r", "   ", *map(line, asks[2:])]
    cases = suite_of(tmp_path / "s", lines).cases
    assert isinstance(cases, StoredCases)
    assert [cases[i].messages[0]["content"] for i in (3, 1, 0, 2, -1)] == [
        asks[3], asks[1], asks[0], asks[2], asks[3],
    ]  # fmt: skip
    assert [case.id for case in cases] == [cases[i].id for i in range(4)]
    assert [case.messages[0]["content"] for case in cases[1:3]] == asks[1:3]
    with pytest.raises(IndexError):
        cases[4]


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


@given(st.lists(texts, min_size=1, max_size=8))
def test_whatever_is_asked_comes_back(tmp_path_factory: pytest.TempPathFactory, asks: list[str]) -> None:
    """Every text, as it was written."""
    lines = [line(ask, id=str(number)) for number, ask in enumerate(asks)]
    cases = suite_of(tmp_path_factory.mktemp("s"), lines).cases
    assert [case.messages[0]["content"] for case in cases] == asks


def test_a_file_that_changes_under_a_run_is_refused(tmp_path: Path) -> None:
    """A case never changes under its id: written over it is an error, replaced it stays as it was."""
    cases = suite_of(tmp_path / "s", [line("one"), line("two")]).cases
    file = tmp_path / "s" / "cases.jsonl"
    (tmp_path / "other").write_text(line("six") + "\n" + line("ten"), "utf-8")
    (tmp_path / "other").replace(file)
    assert cases[1].messages[0]["content"] == "two"
    again = load_suite(tmp_path / "s").cases
    file.write_text(line("six") + "\n" + line("eleven"), "utf-8")
    assert again[0].messages[0]["content"] == "six"
    with pytest.raises(InputError, match=r"cases\.jsonl:2: has changed while it was in use"):
        again[1]


def test_a_selection_reads_only_what_it_keeps(tmp_path: Path) -> None:
    """`-k`, `-m` and `--limit` keep places, in order; without any, the cases are the file's own."""
    suite = suite_of(tmp_path / "s", [line(str(n), tags=["odd"] if n % 2 else ["even"]) for n in range(20)])
    (kept,) = select([suite], Selection(tag="odd", limit=4))
    assert isinstance(kept.cases, Chosen)
    asked = [int(case.messages[0]["content"]) for case in kept.cases]
    assert len(asked) == 4
    assert asked == sorted(asked)
    assert all(n % 2 for n in asked)
    assert [case.id for case in kept.cases[1:]] == [kept.cases[i].id for i in (1, 2, 3)]
    assert select([suite], Selection(seed=3))[0].cases is suite.cases


def test_checks_of_cases_own_are_built_once(tmp_path: Path) -> None:
    """Cases with the same checks share them, each time they are read."""
    own = [{"length": {"max": 9, "unit": "words"}}]
    suite = suite_of(tmp_path / "s", [line("a", checks=own), line("b", checks=own), line("c")])
    assert suite.case_checks
    assert suite.cases[0].checks[0] is suite.cases[1].checks[0] is suite.cases[0].checks[0]
    assert not suite.cases[2].checks


def test_a_suite_that_was_checked_is_only_found_again(tmp_path: Path) -> None:
    """The same cases under the same hash; a line that cannot be used is left to whoever compares hashes."""
    own = [{"length": {"max": 9, "unit": "words"}}]
    suite = suite_of(tmp_path / "s", [line("a", checks=own), "", line("b")])
    again = load_suite(tmp_path / "s", again=True)
    assert again.sha256 == suite.sha256
    assert list(again.cases) == list(suite.cases)
    assert again.case_checks
    with (tmp_path / "s" / "cases.jsonl").open("a") as file:
        file.write("\nno JSON")
    assert load_suite(tmp_path / "s", again=True).sha256 != suite.sha256


@pytest.mark.slow
def test_many_cases_take_little_memory(tmp_path: Path) -> None:
    """Of 20,000 cases of 1,000 characters, 24 bytes each are kept, and the ids while they are read."""
    suite_of(tmp_path / "s", [line("x" * 1000 + str(n)) for n in range(20_000)])
    tracemalloc.start()
    suite = load_suite(tmp_path / "s")
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(suite.cases) == 20_000
    assert kept < 40 * 20_000 + 500_000
    assert peak < 160 * 20_000 + 1_000_000
