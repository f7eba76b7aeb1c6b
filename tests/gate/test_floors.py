"""What the candidate must reach by itself is tested on the bound, not on the point."""

from __future__ import annotations

import pytest

from evalkit.gate.floors import least_answers
from evalkit.gate.judges import Judged
from evalkit.stats import Rate
from evalkit.stats.correction import Accuracy
from tests.gate.tables import MakeRecord, decided, gating, records, table


def required(**require: float) -> object:
    """A rule with these requirements."""
    return gating(require=require)


@pytest.mark.parametrize(
    ("passed", "n", "state", "word"),
    [
        (100, 100, "met", "ship"),
        (94, 100, "open", "inconclusive"),
        (80, 100, "missed", "dont_ship"),
        (28, 28, "open", "inconclusive"),
    ],
)
def test_a_pass_rate_must_be_shown(
    make_record: MakeRecord, passed: int, n: int, state: str, word: str
) -> None:
    """94 of 100 do not show 90%, though 94% is more; 80 of 100 show it missed; 28 of 28 show nothing."""
    outcomes = [(True, True)] * passed + [(False, False)] * (n - passed)
    decision = decided(records(make_record, outcomes), required(pass_rate=0.9))
    assert [floor.state for floor in decision.floors] == [state]
    if n >= 59:
        assert decision.word == word


def test_a_check_of_its_own_can_be_required(make_record: MakeRecord) -> None:
    """By its name, whatever the others do."""
    rule = gating(checks=("short", "equals"), require={"short": 0.9})
    outcomes = records(make_record, table(100), [(False, False)] * 100)
    (floor,) = decided(outcomes, rule).floors
    assert (floor.state, floor.value) == ("met", 1.0)


@pytest.mark.parametrize(
    ("slow", "n", "state"), [(0, 59, "met"), (0, 58, "open"), (1, 59, "open"), (20, 100, "missed")]
)
def test_latency_is_bounded_by_its_order_alone(
    make_record: MakeRecord, slow: int, n: int, state: str
) -> None:
    """59 answers that are all in time show the 95th percentile; one that is late takes more of them."""
    found = []
    for number in range(n):
        found += [
            make_record(f"c{number}", "ft", True, latency_ms=2000.0 if number < slow else 100.0),
            make_record(f"c{number}", "prompted", True, latency_ms=9000.0),
        ]
    (floor,) = decided(found, required(p95_latency_ms=800)).floors
    assert floor.state == state
    assert floor.least == 59


def test_cached_answers_tell_no_latency(make_record: MakeRecord) -> None:
    """They keep their first latency, which was measured on another day."""
    found = records(make_record, table(100), cached=True)
    (floor,) = decided(found, required(p95_latency_ms=800)).floors
    assert (floor.n, floor.value, floor.bound, floor.state) == (0, None, None, "open")


@pytest.mark.parametrize(("cost_usd", "state"), [(0.0003, "met"), (0.0006, "missed"), (None, "open")])
def test_cost_is_of_a_thousand_calls(make_record: MakeRecord, cost_usd: float | None, state: str) -> None:
    """An unknown price meets no limit, and misses none."""
    found = records(make_record, table(100), cost_usd=cost_usd)
    decision = decided(found, required(cost_per_1k=0.40))
    assert [floor.state for floor in decision.floors] == [state]


def test_a_mean_cost_near_its_limit_is_not_shown(make_record: MakeRecord) -> None:
    """Answers that cost 0.30 and 0.48 by turns are 0.39 on average, but not surely below 0.40."""
    found = []
    for number in range(20):
        usd = 0.00030 if number % 2 else 0.00048
        found += [make_record(f"c{number}", variant, True, cost_usd=usd) for variant in ("ft", "prompted")]
    (floor,) = decided(found, required(cost_per_1k=0.40)).floors
    assert floor.value == pytest.approx(0.39)
    assert floor.state == "open"


def test_what_is_missing_cannot_meet_a_floor(make_record: MakeRecord) -> None:
    """An unread verdict counts as failed where a rate must be shown, but shows none to be missed."""
    outcomes = [*table(100), *[(None, True)] * 20]
    decision = decided(records(make_record, outcomes), required(pass_rate=0.9))
    assert decision.word == "inconclusive"
    (floor,) = decision.floors
    assert floor.value == pytest.approx(100 / 120)


def test_repeats_do_not_widen_the_sample_of_a_rate(make_record: MakeRecord) -> None:
    """28 cases that pass five times each show no more than 28 that pass once."""
    found = [r for repeat in range(5) for r in records(make_record, table(28), repeat=repeat)]
    (floor,) = decided(found, required(pass_rate=0.9), repeat=5).floors
    assert floor.state == "open"


@pytest.mark.parametrize(
    ("name", "limit", "least"),
    [("pass_rate", 0.9, 29), ("json_schema", 0.95, 59), ("p95_latency_ms", 800, 59), ("cost_per_1k", 1, 2)],
)
def test_the_fewest_answers_are_known_beforehand(name: str, limit: float, least: int) -> None:
    """If all of them are good: so many it takes, at one-sided 5%."""
    assert least_answers(name, limit, 0.05) == least


@pytest.mark.parametrize(
    ("failed", "of", "state"), [(990, 1000, "met"), (50, 100, "open"), (None, 0, "open")]
)
def test_the_rate_of_what_a_judge_reads_is_corrected(
    make_record: MakeRecord, failed: int | None, of: int, state: str
) -> None:
    """190 of 200 show 90% where the judge hardly errs; not where it passes half of what is bad, nor where
    nobody knows."""
    reads = None if failed is None else (Accuracy(Rate(990, 1000), Rate(failed, of)),) * 2
    outcomes = [(True, True)] * 190 + [(False, False)] * 10
    rule = gating(require={"short": 0.9})
    (floor,) = decided(records(make_record, outcomes), rule, judged={"short": Judged(reads)}).floors
    assert floor.state == state
