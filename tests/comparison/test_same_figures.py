"""What is added up record by record is what pandas makes of the whole table, on whatever records."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.comparison import Pair, VariantFigures, compare
from evalkit.comparison.quantile import quantile
from evalkit.endpoints.base import Request, Response, Usage
from evalkit.run.records import WHOLE, Failure, Record, RecordedVerdict
from tests.comparison import oracle

PAIRS = {"one": Pair("ft", "prompted"), "two": Pair("v3", "base")}
LEAKED = {"one": {"a", "b"}, "two": {"c"}}
INSTEAD = ("refusal", "content_filter", "length", "tool_calls")

texts = st.sampled_from([None, "", "Oslo"])
counts = st.none() | st.integers(0, 400)
states = st.sampled_from([True, True, False, None])


@st.composite
def verdicts(draw: st.DrawFn) -> tuple[RecordedVerdict, ...]:
    """Wholeness first, as in every record, then some of three checks."""
    instead = draw(st.none() | st.sampled_from(INSTEAD))
    found = [RecordedVerdict(WHOLE, "property", instead is None, float(instead is None), instead)]
    for name, kind in (("short", "property"), ("equals", "correctness"), ("tone", "property")):
        if draw(st.booleans()):
            passed = draw(states)
            reason = draw(st.sampled_from(["no judge named", "unreadable"])) if passed is None else ""
            found.append(RecordedVerdict(name, kind, passed, passed and float(passed), reason=reason))
    return tuple(found)


@st.composite
def responses(draw: st.DrawFn) -> Response:
    """Streamed or not, timed or not, counted or not."""
    latency_ms = draw(st.none() | st.floats(1, 60_000))
    streamed = latency_ms is not None and draw(st.booleans())
    ttft_ms = draw(st.floats(0, latency_ms)) if streamed else None
    usage = Usage(draw(counts), None, draw(counts))
    return Response("tiny", draw(texts), usage=usage, latency_ms=latency_ms, ttft_ms=ttft_ms)


@st.composite
def records(draw: st.DrawFn) -> list[Record]:
    """Up to 24, each of a key of its own, in any order; some without an answer."""
    cases = st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from("abcd"),
        st.sampled_from(["base", "prompted", "ft", "v3"]),
        st.integers(0, 2),
    )
    return [draw(record(*key)) for key in draw(st.lists(cases, max_size=24, unique=True))]


@st.composite
def record(draw: st.DrawFn, suite: str, case: str, variant: str, repeat: int) -> Record:
    """One of a given key."""
    failed = draw(st.integers(0, 9)) == 0
    return Record(
        suite=suite,
        case=case,
        variant=variant,
        repeat=repeat,
        endpoint="vllm",
        request=Request("tiny", "chat", ({"role": "user", "content": "?"},)),
        response=None if failed else draw(responses()),
        verdicts=() if failed else draw(verdicts()),
        cost_usd=draw(st.none() | st.floats(0, 1)),
        cached=not failed and draw(st.booleans()),
        attempts=draw(st.integers(1, 5)),
        possibly_billed=draw(st.integers(0, 2)),
        at="2026-11-22T08:00:00Z",
        error=Failure("timeout", draw(st.sampled_from(["slow", "gone"]))) if failed else None,
    )


def same(rows: tuple[VariantFigures, ...], expected: list[dict[str, Any]]) -> None:
    """Equal, but for the last bits of sums."""
    assert len(rows) == len(expected)
    for row, wanted in zip(rows, expected, strict=True):
        for name, value in wanted.items():
            found = getattr(row, name)
            assert found == (pytest.approx(value, rel=1e-12) if isinstance(value, float) else value), name


@settings(max_examples=60)
@given(records())
def test_figures_are_those_of_pandas(given_records: list[Record]) -> None:
    """Counts, rates, means and quantiles, by suite and over all, agree with a groupby over the table."""
    found = compare(given_records, PAIRS, LEAKED)
    same(found.total, oracle.variants(given_records, LEAKED))
    assert [suite.name for suite in found.suites] == sorted({record.suite for record in given_records})
    for suite in found.suites:
        of_suite = [record for record in given_records if record.suite == suite.name]
        same(suite.rows, oracle.variants(of_suite, LEAKED))
        failures = oracle.failures(of_suite, PAIRS[suite.name])
        assert list(suite.failures) == failures
        assert suite.new_failures == sum(failure.new for failure in failures)
        assert suite.errors == oracle.errors(of_suite)
        assert suite.unknown_reasons == oracle.unknown_reasons(of_suite)


@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_records_changes_nothing(given_records: list[Record], rng: Any) -> None:
    """Records come in the order in which answers arrive, and a report must not depend on it."""
    shuffled = rng.sample(given_records, len(given_records))
    first, second = compare(given_records, PAIRS, LEAKED), compare(shuffled, PAIRS, LEAKED)
    same(first.total, [figures(row) for row in second.total])
    assert [suite.failures for suite in first.suites] == [suite.failures for suite in second.suites]


def figures(row: VariantFigures) -> dict[str, Any]:
    """By name."""
    return {name: getattr(row, name) for name in asdict(row)}


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=60), st.sampled_from([0.0, 0.25, 0.5, 0.95, 1.0]))
def test_quantiles_are_numpy_s_to_the_last_bit(values: list[float], share: float) -> None:
    """Linear interpolation, rounded as numpy rounds it."""
    assert quantile(sorted(values), share) == np.quantile(values, share)


def test_nothing_has_no_quantile() -> None:
    """Without values there is no median, and it is not 0."""
    assert quantile([], 0.5) is None
