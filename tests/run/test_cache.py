"""The cache: what is the same question, and what is kept of an answer."""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.run.cache import FILE_NAME, Asked, Cache, Kept

REQUEST = Request("m", "chat", messages=({"role": "user", "content": "hi"},), params={"a": 1, "b": 2})
ASKED = Asked("http://127.0.0.1:1/v1", None, REQUEST, 0)
KEPT = Kept(Response("m", "ho", usage=Usage(3, None, 1), latency_ms=12.5), 0.5, 2, "2026-11-22T08:00:00Z", 1)


@pytest.mark.parametrize(
    "other",
    [
        replace(ASKED, address="http://127.0.0.1:2/v1"),
        replace(ASKED, fingerprint="aaaa"),
        replace(ASKED, repeat=1),
        replace(ASKED, request=replace(REQUEST, model="n")),
        replace(ASKED, request=replace(REQUEST, messages=({"role": "user", "content": "hi "},))),
        replace(ASKED, request=replace(REQUEST, params={"a": 1})),
        replace(ASKED, request=replace(REQUEST, params={"a": 1, "b": "2"})),
        replace(ASKED, request=Request("m", "completions", prompt="hi", params=REQUEST.params)),
    ],
)
def test_whatever_shapes_an_answer_makes_another_question(other: Asked) -> None:
    """Endpoint, weights, repeat, model, messages, every parameter, kind."""
    assert other.key != ASKED.key


def test_the_order_of_parameters_makes_no_other_question() -> None:
    """A suite whose params are written in another order is not asked anew; but the order within them counts:
    a schema's properties are answered in theirs."""
    assert replace(ASKED, request=replace(REQUEST, params={"b": 2, "a": 1})).key == ASKED.key
    schemas = ({"reason": {}, "answer": {}}, {"answer": {}, "reason": {}})
    keys = {replace(ASKED, request=replace(REQUEST, params={"schema": schema})).key for schema in schemas}
    assert len(keys) == 2


def test_an_answer_is_kept_with_its_first_date_latency_and_cost(tmp_path: Path) -> None:
    """Also for the next process; a later answer to the same question changes nothing."""
    cache = Cache(tmp_path)
    assert cache.get(b"k") is None
    cache.put(b"k", KEPT)
    cache.put(b"k", replace(KEPT, at="later", cost_usd=0.0))
    cache.close()
    again = Cache(tmp_path)
    assert again.get(b"k") == KEPT
    again.close()


texts = st.none() | st.text(max_size=20)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)  # JSON has neither
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=2),
)
responses = st.builds(
    Response,
    model=texts,
    text=texts,
    tool_calls=st.lists(st.dictionaries(st.text(max_size=9), values, max_size=2), max_size=2).map(tuple),
    reasoning=texts,
    usage=st.builds(Usage, *[st.none() | st.integers(0, 10**6)] * 4),
    latency_ms=st.none() | st.floats(0, 1e6) | st.integers(0, 10**9).map(lambda us: us / 1000),
)


@given(responses)
def test_what_is_kept_comes_back(response: Response) -> None:
    """Whole, by another process too."""
    kept = replace(KEPT, response=response)
    with tempfile.TemporaryDirectory() as folder:
        cache = Cache(Path(folder))
        cache.put(b"k", kept)
        cache.close()
        again = Cache(Path(folder))
        assert again.get(b"k") == kept
        again.close()


def test_two_runs_may_share_it(tmp_path: Path) -> None:
    """Writing from two sides at once loses nothing."""

    def fill(side: str) -> None:
        cache = Cache(tmp_path)
        for number in range(50):
            cache.put(f"{side}{number}".encode(), KEPT)
            cache.flush()
        cache.close()

    sides = [threading.Thread(target=fill, args=(side,)) for side in "ab"]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert db.execute("SELECT count(*) FROM answers").fetchone() == (100,)
    db.close()
