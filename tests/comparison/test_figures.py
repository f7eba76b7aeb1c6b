"""Records -> figures: what is counted, what is left out, and what stays unknown."""

from __future__ import annotations

import pytest

from evalkit.comparison import Leaks, Pair, VariantFigures, compare
from evalkit.run.records import WHOLE, Record, RecordedVerdict
from evalkit.stats import Rate


def only_row(records: list[Record]) -> VariantFigures:
    """The single row of a single suite."""
    (suite,) = compare(records).suites
    (row,) = suite.rows
    return row


def test_rates_are_counted_apart_by_kind(make_record) -> None:
    """Form and content have rates of their own; a record passes only if both do."""
    row = only_row([make_record("a", "ft", True, True), make_record("b", "ft", True, False)])
    assert (row.form, row.content, row.passed) == (Rate(2, 2), Rate(1, 2), Rate(1, 2))
    assert row.checks == {"short": Rate(2, 2), "equals": Rate(1, 2)}


def test_a_kind_without_checks_has_no_rate(make_record) -> None:
    """Where no check looks at the content, the content's rate is absent, not 100%."""
    assert only_row([make_record("a", "ft", True)]).content is None


def test_an_unread_verdict_is_a_third_state(make_record) -> None:
    """A null verdict counts as unknown, and is in neither half of any rate."""
    row = only_row(
        [make_record("a", "ft", None), make_record("b", "ft", True), make_record("c", "ft", False)]
    )
    assert (row.passed, row.form, row.unknown, row.cases) == (Rate(1, 2), Rate(1, 2), 1, 3)


def test_a_false_verdict_decides_beside_an_unread_one(make_record) -> None:
    """One failed check is enough to know that the record failed."""
    row = only_row([make_record("a", "ft", None, False)])
    assert (row.passed, row.unknown) == (Rate(0, 1), 0)


def test_an_error_is_never_scored(make_record) -> None:
    """A case that could not be asked is counted as an error, and in no rate, token count or latency."""
    row = only_row([make_record("a", "ft", True), make_record("b", "ft", error="no answer in 120 s")])
    assert (row.cases, row.errors, row.passed, row.prompt_tokens) == (2, 1, Rate(1, 1), 20)
    (suite,) = compare([make_record("b", "ft", error="no answer in 120 s")]).suites
    assert dict(suite.errors) == {"timeout: no answer in 120 s": 1}
    assert suite.rows[0].passed.share is None
    assert suite.failures == ()


@pytest.mark.parametrize("fields", [{"usage": (None, None), "cost_usd": None}])
def test_one_unknown_makes_a_mean_unknown(make_record, fields) -> None:
    """A mean over the answers whose usage is known could be far from the truth: it is not given."""
    row = only_row([make_record("a", "ft", True), make_record("b", "ft", True, **fields)])
    assert (row.prompt_tokens, row.completion_tokens, row.cost_per_1k) == (None, None, None)


def test_cost_is_of_a_thousand_calls(make_record) -> None:
    """Two calls at 0.001 and 0.003 USD make 2 USD for 1,000 of them; a known price of 0 stays 0."""
    records = [make_record("a", "ft", cost_usd=0.001), make_record("b", "ft", cost_usd=0.003)]
    assert only_row(records).cost_per_1k == pytest.approx(2.0)
    assert only_row([make_record("a", "ft", cost_usd=0.0)]).cost_per_1k == 0


def test_cached_answers_stay_out_of_latency(make_record) -> None:
    """Only answers that were asked for in this run say anything about its latency."""
    records = [make_record("a", "ft", latency_ms=100.0), make_record("b", "ft", latency_ms=300.0)]
    cached = make_record("c", "ft", latency_ms=9000.0, cached=True)
    row = only_row([*records, cached])
    assert (row.latency_p50_ms, row.latency_p95_ms, row.cached) == (200.0, 290.0, 1)
    assert only_row([cached]).latency_p50_ms is None


def test_tokens_are_compared_with_the_long_prompt(make_record) -> None:
    """The change in prompt tokens is against `prompted`, per suite and over all."""
    records = [make_record("a", "prompted", usage=(200, 5)), make_record("a", "ft", usage=(20, 5))]
    comparison = compare(records)
    changes = {row.variant: row.tokens_change for row in comparison.suites[0].rows}
    assert changes == {"prompted": None, "ft": pytest.approx(-0.9)}
    assert [row.tokens_change for row in comparison.total] == [None, pytest.approx(-0.9)]


def test_over_all_suites_tokens_are_compared_where_both_were_answered(make_record) -> None:
    """A suite with short prompts that one of the two was not asked makes the other's no longer."""
    asked = [("prompted", "long", 1000), ("ft", "long", 900), ("prompted", "short", 100), ("ft", "other", 10)]
    records = [make_record("a", name, suite=suite, usage=(tokens, 5)) for name, suite, tokens in asked]
    lost = make_record("a", "ft", suite="short", error="slow")
    rows = compare([*records, lost]).total
    assert [row.tokens_change for row in rows] == [None, pytest.approx(-0.1)]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("refused", "refusal"),
        ("filtered", "content_filter"),
        ("truncated", "length"),
        ("tool_calls", "tool_calls"),
    ],
)
def test_what_came_in_place_of_an_answer_has_its_column(make_record, column: str, value: str) -> None:
    """Refused, filtered and truncated answers and unexpected tool calls are counted, each apart, and fail."""
    odd = RecordedVerdict(WHOLE, "property", False, 0.0, value, "the model did something else")
    whole = RecordedVerdict(WHOLE, "property", True, 1.0)
    row = only_row([make_record("a", "ft", odd, True), make_record("b", "ft", whole, True)])
    counts = {name: getattr(row, name) for name in ("refused", "filtered", "truncated", "tool_calls")}
    assert counts == {**dict.fromkeys(counts, 0), column: 1}
    assert row.passed == Rate(1, 2)


def test_wholeness_alone_is_no_property(make_record) -> None:
    """Every answer is checked for being whole; a suite without further property checks has no form rate."""
    whole = RecordedVerdict(WHOLE, "property", True, 1.0)
    content = RecordedVerdict("equals", "correctness", True, 1.0)
    assert only_row([make_record("a", "ft", whole, content)]).form is None


def test_repeats_are_records_of_one_case(make_record) -> None:
    """Two answers to one case are one case, two records, and both count in the rates."""
    row = only_row([make_record("a", "ft", True, repeat=0), make_record("a", "ft", False, repeat=1)])
    assert (row.cases, row.records, row.passed) == (1, 2, Rate(1, 2))


def test_new_failures_are_those_that_the_baseline_passed(make_record) -> None:
    """A failure is new where the baseline passed the same repeat of the same case; new ones come first."""
    records = [
        make_record("a", "prompted", False),
        make_record("b", "prompted", True),
        make_record("a", "ft", False),
        make_record("b", "ft", False),
    ]
    (suite,) = compare(records).suites
    found = [(failure.case, failure.variant, failure.new) for failure in suite.failures]
    assert found == [("b", "ft", True), ("a", "ft", False), ("a", "prompted", False)]


def test_the_pair_can_be_named(make_record) -> None:
    """Candidate and baseline of a suite are whatever its gate says."""
    records = [make_record("a", "old", True), make_record("a", "v3", False), make_record("a", "ft", False)]
    (suite,) = compare(records, {"cities": Pair("v3", "old")}).suites
    assert {failure.variant: failure.new for failure in suite.failures} == {"v3": True, "ft": False}
    assert [row.variant for row in suite.watched] == ["v3"]


def test_without_the_candidate_all_failures_are_watched(make_record) -> None:
    """A run of base alone lists what base failed."""
    (suite,) = compare([make_record("a", "base", False)]).suites
    assert [row.variant for row in suite.watched] == ["base"]


def test_a_failure_says_what_came_and_why(make_record) -> None:
    """A failure holds the whole answer, the first check that failed, its reason, and the others' names."""
    wrong = RecordedVerdict("equals", "correctness", False, 0.0, "Bergen", 'want "Oslo" got "Bergen"')
    (failure,) = compare([make_record("a", "ft", True, wrong, text="Bergen")]).suites[0].failures
    assert (failure.check, failure.got, failure.reason, failure.also) == (
        "equals",
        "Bergen",
        wrong.reason,
        (),
    )
    (failure,) = compare([make_record("a", "ft", False, False, text=None)]).suites[0].failures
    assert (failure.check, failure.got, failure.also) == ("short", "", ("equals",))


def test_reasons_of_nulls_and_errors_are_counted(make_record) -> None:
    """Why verdicts are null and why cases could not be asked is told, each with its number."""
    unread = RecordedVerdict("tone", "property", None, None, None, "no judge named")
    records = [make_record(case, "ft", unread) for case in "ab"]
    (suite,) = compare([*records, make_record("c", "ft", error="slow")]).suites
    assert (suite.unknown_reasons, suite.errors) == ({"no judge named": 2}, {"timeout: slow": 1})


def test_all_is_over_every_suite(make_record) -> None:
    """The rows of `all` pool the records, so that a suite counts by its size; cases of one id stay apart."""
    records = [make_record(str(n), "ft", n == 0, suite="one") for n in range(3)]
    comparison = compare([*records, make_record("0", "ft", True, suite="two")])
    (row,) = comparison.total
    assert (row.cases, row.passed) == (4, Rate(2, 4))
    assert [suite.name for suite in comparison.suites] == ["one", "two"]


def test_variants_keep_the_order_of_the_question(make_record) -> None:
    """base, prompted, ft come first, in that order; others follow by name, whatever the records' order."""
    records = [make_record("a", variant) for variant in ("v3", "ft", "old", "base", "prompted")]
    (suite,) = compare(records).suites
    assert [row.variant for row in suite.rows] == ["base", "prompted", "ft", "old", "v3"]
    assert compare(reversed(records)) == compare(records)


def test_nothing_gives_nothing() -> None:
    """No records make no suites and no rows."""
    assert compare([]).suites == ()
    assert compare([]).total == ()


def test_leaked_cases_are_counted_apart(make_record) -> None:
    """Cases that stand in the training data have a rate of their own, and so have all others."""
    records = [
        make_record("a", "ft", True),
        make_record("a", "ft", False, repeat=1),
        make_record("b", "ft", False),
        make_record("c", "ft", None),
        make_record("d", "ft", error="no answer in 120 s"),
    ]
    (suite,) = compare(records, leaked={"cities": {"a", "d"}, "rivers": {"b"}}).suites
    assert suite.rows[0].leaks == Leaks(cases=2, clean=Rate(0, 1), leaked=Rate(1, 2))
    assert suite.rows[0].passed == Rate(1, 3)
    assert only_row(records).leaks is None


def test_an_error_of_prompted_leaves_the_others_change_known(make_record) -> None:
    """Prompt tokens are compared between answers: a case that could not be asked has none to be unknown."""
    records = [make_record("a", "prompted", usage=(200, 5)), make_record("b", "prompted", error="slow")]
    rows = compare([*records, make_record("a", "ft", usage=(20, 5))]).total
    assert {row.variant: row.tokens_change for row in rows} == {"prompted": None, "ft": pytest.approx(-0.9)}


def test_streams_have_a_first_token_and_a_speed(make_record) -> None:
    """Of answers that were asked for; 9 and 19 tokens after the first in 100 and 300 ms are 70 a second."""
    records = [
        make_record("a", "ft", usage=(20, 10), latency_ms=200.0, ttft_ms=100.0),
        make_record("b", "ft", usage=(20, 20), latency_ms=350.0, ttft_ms=50.0),
    ]
    cached = make_record("c", "ft", usage=(20, 500), latency_ms=9000.0, ttft_ms=8000.0, cached=True)
    row = only_row([*records, cached])
    assert (row.ttft_p50_ms, row.tokens_per_s) == (75.0, pytest.approx(70.0))
    whole = only_row([cached, make_record("a", "ft")])
    assert (whole.ttft_p50_ms, whole.tokens_per_s) == (None, None)


def test_speed_needs_all_counts(make_record) -> None:
    """Where a server did not count one answer's tokens, or all came at once, no speed is made up."""
    uncounted = make_record("a", "ft", usage=(None, None), latency_ms=200.0, ttft_ms=100.0)
    counted = make_record("b", "ft", usage=(20, 10), latency_ms=200.0, ttft_ms=100.0)
    assert only_row([uncounted, counted]).tokens_per_s is None
    assert only_row([make_record("a", "ft", usage=(20, 1), latency_ms=9.0, ttft_ms=9.0)]).tokens_per_s is None


def test_what_may_have_been_billed_for_nothing_is_added_up(make_record) -> None:
    """Of answers and of errors alike; the judge's is apart; retries of cached answers were another run's."""
    records = [
        make_record("a", "ft", attempts=3, possibly_billed=2, judge={"model": "j", "possibly_billed": 1}),
        make_record("b", "ft", error="slow", attempts=5, possibly_billed=4),
        make_record("c", "ft", error="closed", attempts=0),
        make_record("d", "ft", attempts=2, cached=True),
    ]
    row = only_row(records)
    assert (row.possibly_billed, row.judge_possibly_billed, row.retries) == (6, 1, 6)
