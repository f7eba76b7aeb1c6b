"""Finding suites, and choosing among their cases."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import NothingCollected, UsageError
from evalkit.suite import Case, Selection, Suite, find_suites, select
from evalkit.suite.expression import parse
from tests.suite.conftest import WriteSuite


def suite(name: str, *cases: Case) -> Suite:
    """A suite of these cases."""
    return Suite(name, Path(name), cases, ())


def case(case_id: str, *tags: str) -> Case:
    """A case of which only its id and tags matter."""
    return Case(case_id, "chat", tags=tags)


BOOKS = suite("books", case("b-1", "hard"), case("b-2", "hard", "null"), case("b-3"))
CITIES = suite("cities", case("Oslo", "null"), case("Bergen"))


def ids(*suites: Suite, **selection: object) -> list[str]:
    """The ids of what is selected."""
    return [case.id for suite in select(suites, Selection(**selection)) for case in suite.cases]  # type: ignore[arg-type]


def test_a_path_is_a_suite_its_file_or_a_folder_of_suites(write_suite: WriteSuite) -> None:
    """Each suite once, in the order of the paths; within a folder by name."""
    books, cities = write_suite(name="books"), write_suite(name="cities")
    root = books.parent
    (root / "notes").mkdir()
    assert find_suites([root]) == (books, cities)
    assert find_suites([cities / "suite.yaml", root]) == (cities, books)
    assert find_suites([str(books)]) == (books,)


def test_paths_that_lead_nowhere_are_told(write_suite: WriteSuite, tmp_path: Path) -> None:
    """A missing path is bad usage, a folder without suites collects nothing."""
    with pytest.raises(UsageError, match="does not exist"):
        find_suites([tmp_path / "nowhere"])
    with pytest.raises(NothingCollected, match="no suite in"):
        find_suites([tmp_path])
    folder = write_suite(prompt_md="x")
    with pytest.raises(UsageError, match="is no suite"):
        find_suites([folder / "prompt.md"])
    with pytest.raises(UsageError, match="cannot be used"):
        find_suites(["x" * 10_000])


def test_two_suites_of_one_name_are_told_apart_by_renaming(write_suite: WriteSuite) -> None:
    """Records are kept by the suite's name."""
    first = write_suite(name="cities")
    (first.parent / "more").mkdir()
    second = write_suite(name="more/cities")
    with pytest.raises(UsageError, match="two suites are called cities"):
        find_suites([first, second])


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("b-1", ["b-1"]),
        ("books", ["b-1", "b-2", "b-3"]),
        ("oslo or b-3", ["b-3", "Oslo"]),
        ("null and not books", ["Oslo"]),
        ("not (b or oslo)", []),
        ("not hard and books", ["b-3"]),
        ("B-", ["b-1", "b-2", "b-3"]),
    ],
)
def test_k_looks_into_suite_id_and_tags(keyword: str, expected: list[str]) -> None:
    """Parts of names, upper and lower case alike; `not` before `and` before `or`."""
    if expected:
        assert ids(BOOKS, CITIES, keyword=keyword) == expected
    else:
        with pytest.raises(NothingCollected, match="none of 5 cases in 2 suites"):
            ids(BOOKS, CITIES, keyword=keyword)


def test_m_looks_at_whole_tags() -> None:
    """Not at parts of them, nor at names."""
    assert ids(BOOKS, CITIES, tag="null") == ["b-2", "Oslo"]
    assert ids(BOOKS, CITIES, tag="hard and not null") == ["b-1"]
    with pytest.raises(NothingCollected):
        ids(BOOKS, CITIES, tag="har")


def test_a_suite_of_which_nothing_is_left_falls_away() -> None:
    """The others stay as they are."""
    assert [suite.name for suite in select([BOOKS, CITIES], Selection(tag="hard"))] == ["books"]


def test_limit_draws_by_the_seed_and_keeps_the_order() -> None:
    """The same seed draws the same cases; a further case changes the draw by one at most."""
    many = tuple(case(f"c{n}") for n in range(50))
    drawn = ids(suite("s", *many), limit=10, seed=1)
    assert drawn == ids(suite("s", *many), limit=10, seed=1)
    assert drawn == sorted(drawn, key=lambda name: int(name[1:]))
    assert drawn != ids(suite("s", *many), limit=10, seed=2)
    assert len(set(drawn) - set(ids(suite("s", *many, case("c50")), limit=10, seed=1))) <= 1
    assert ids(BOOKS, CITIES, limit=1, seed=0)[0] in ("b-1", "b-2", "b-3")
    assert len(ids(BOOKS, CITIES, limit=99)) == 5
    with pytest.raises(UsageError, match="--limit 0"):
        ids(BOOKS, limit=0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a and", "-k 'a and': found the end at column 6; write a name, not, or an opening parenthesis"),
        ("(a", "-k '(a': found the end at column 3; write a closing parenthesis"),
        ("a b", "-k 'a b': found b at column 3; write and, or, or the end"),
        ("a )", "-k 'a )': found ) at column 3; write and, or, or the end"),
        ("or", "-k 'or': found or at column 1; write a name"),
        ("", "-k '': found the end at column 1"),
        ("not " * 400 + "a", "nested too deep"),
        ("(" * 900, "nested too deep"),
        ("a or " * 1_000 + "a", "more than 2,000 characters"),
    ],
)
def test_an_expression_that_cannot_be_read_is_told_with_its_column(text: str, message: str) -> None:
    """Exit code 4, and what to write."""
    with pytest.raises(UsageError) as caught:
        parse(text, "-k")
    assert message in str(caught.value)


expressions = st.recursive(
    st.sampled_from(["a", "b"]),
    lambda inner: (
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join)
        | inner.map("not {}".format)
        | inner.map("({})".format)
    ),
    max_leaves=6,
)


@settings(deadline=None)
@given(expressions)
def test_expressions_mean_what_python_means(text: str) -> None:
    """On all combinations of two names."""
    expression = parse(text, "-k")
    for values in ({"a": x, "b": y} for x in (True, False) for y in (True, False)):
        assert expression(values.__getitem__) == bool(eval(text, {}, values))


@settings(deadline=None)
@given(st.lists(st.sampled_from(["and", "or", "not", "(", ")", "a"]), max_size=9))
def test_any_words_are_an_expression_or_bad_usage(words: list[str]) -> None:
    """What is accepted, Python accepts too."""
    text = " ".join(words)
    try:
        parse(text, "-k")
    except UsageError:
        return
    compile(text, "", "eval")
