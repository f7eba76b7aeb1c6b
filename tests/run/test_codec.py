"""Records on disk: the published shape, and back."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.endpoints.base import Request, Response, Usage
from evalkit.run.codec import (
    dump_line,
    passed,
    record_from_json,
    record_to_json,
)
from evalkit.run.records import Failure, Record, RecordedVerdict

texts = st.text(st.characters(), max_size=20)  # lone surrogates too: models write them
counts = st.none() | st.integers(0, 10**6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts, lambda inner: st.lists(inner, max_size=3)
)
responses = st.builds(
    Response,
    model=st.none() | texts,
    text=st.none() | texts,
    tool_calls=st.lists(st.dictionaries(texts, values, max_size=2), max_size=2).map(tuple),
    finish_reason=st.none() | texts,
    refusal=st.none() | texts,
    usage=st.builds(Usage, counts, counts, counts, counts),
    latency_ms=st.none() | st.floats(0, 1e6),
)
verdicts = st.builds(
    RecordedVerdict,
    check=texts,
    kind=st.sampled_from(["property", "correctness"]),
    passed=st.sampled_from([True, False, None]),
    score=st.none() | st.floats(0, 1),
    value=values,
    reason=texts,
)
requests = st.builds(
    Request,
    model=texts,
    kind=st.just("chat"),
    messages=st.lists(st.dictionaries(texts, texts, max_size=2), max_size=2).map(tuple),
    params=st.dictionaries(texts, values, max_size=2),
) | st.builds(Request, model=texts, kind=st.just("completions"), prompt=texts)
records = st.builds(
    Record,
    suite=texts,
    case=texts,
    variant=texts,
    repeat=st.integers(0, 9),
    endpoint=texts,
    request=requests,
    response=st.none() | responses,
    verdicts=st.lists(verdicts, max_size=3).map(tuple),
    cost_usd=st.none() | st.floats(0, 9),
    cached=st.booleans(),
    attempts=st.integers(1, 9),
    possibly_billed=st.integers(0, 2),
    at=texts,
    error=st.none() | st.builds(Failure, texts, texts),
    judge=st.dictionaries(texts, values, max_size=2),
)


@given(records)
def test_a_record_comes_back_from_its_line(record: Record) -> None:
    """One line of valid UTF-8 JSON, whatever a model wrote, and nothing is lost."""
    line = dump_line(record_to_json(record))
    assert line.count(b"\n") == 1
    assert record_from_json(json.loads(line.decode("utf-8"))) == record


def test_the_shape_is_the_published_one(make_record: Callable[..., Record]) -> None:
    """Scripts rely on these names."""
    data = record_to_json(make_record())
    assert list(data) == [
        "suite", "case", "variant", "repeat", "model", "endpoint", "kind", "request", "response", "usage",
        "cost_usd", "latency_ms", "ttft_ms", "cached", "attempts", "verdicts", "passed", "error", "at",
    ]  # fmt: skip
    judged = record_to_json(make_record(possibly_billed=1, judge={"model": "j"}))
    assert judged == data | {"possibly_billed": 1, "judge": {"model": "j"}}
    assert list(data["request"]) == ["messages", "params"]
    assert set(data["response"]) == {
        "model", "text", "tool_calls", "reasoning", "finish_reason", "refusal", "system_fingerprint",
        "request_id",
    }  # fmt: skip
    assert set(data["usage"]) == {"prompt_tokens", "cached_tokens", "completion_tokens", "total_tokens"}
    assert set(data["verdicts"][0]) == {"check", "kind", "passed", "score", "value", "reason"}


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        ([], True),
        ([True, True], True),
        ([True, None], None),
        ([None, False], False),
        ([True, False], False),
    ],
)
def test_a_record_passes_as_its_verdicts_do(found: list[bool | None], whole: bool | None) -> None:
    """False if any is false, else null if any is null, else true."""
    assert passed([RecordedVerdict("c", "property", each, None) for each in found]) is whole
