"""SHIP, DON'T SHIP or INCONCLUSIVE: the rule, by records whose outcome is known."""

from __future__ import annotations

import pytest

from evalkit.gate.judges import Judged
from evalkit.run.records import WHOLE, RecordedVerdict
from evalkit.stats import Rate
from evalkit.stats.correction import Accuracy
from tests.gate.tables import MakeRecord, decided, gating, records, table

TWO = gating(checks=("short", "equals"))


@pytest.mark.parametrize(
    ("n", "won", "lost", "word"),
    [
        (59, 0, 0, "ship"),
        (58, 0, 0, "inconclusive"),
        (200, 5, 5, "ship"),
        (200, 0, 20, "dont_ship"),
        (200, 10, 14, "inconclusive"),
        (40, 10, 0, "ship"),
        (2, 0, 0, "inconclusive"),
    ],
)
def test_one_check_decides_by_its_pairs(
    make_record: MakeRecord, n: int, won: int, lost: int, word: str
) -> None:
    """59 equal cases are the fewest that exclude a loss of 5 points; a clear loss is not shipped; between the
    two it is inconclusive."""
    assert decided(records(make_record, table(n, won, lost))).word == word


def test_every_check_must_be_shown(make_record: MakeRecord) -> None:
    """An intersection-union test: one check that is not shown holds up all others."""
    good, open_ = table(120), table(120, 5, 8)
    assert decided(records(make_record, good, good), TWO).word == "ship"
    decision = decided(records(make_record, good, open_), TWO)
    assert decision.word == "inconclusive"
    assert [endpoint.state for endpoint in decision.endpoints] == ["noninferior", "open"]


def test_a_loss_on_any_check_is_not_shipped(make_record: MakeRecord) -> None:
    """However much better the candidate is on the others."""
    decision = decided(records(make_record, table(120, 60, 0), table(120, 0, 15)), TWO)
    assert decision.word == "dont_ship"
    assert "points worse on equals" in decision.reason


def test_worse_is_corrected_for_the_number_of_checks(make_record: MakeRecord) -> None:
    """A loss that one check alone would show is not shown among two (Holm)."""
    loss = table(100, 0, 4)
    alone = decided(records(make_record, loss))
    among = decided(records(make_record, loss, table(100, 5, 5)), TWO)
    assert alone.word == "dont_ship"
    assert among.word == "inconclusive"
    assert among.endpoints[0].p_worse == pytest.approx(2 * alone.endpoints[0].p_worse)


def test_leaked_cases_do_not_count(make_record: MakeRecord) -> None:
    """What stands in the training data proves nothing: neither as a gain nor as a number of cases."""
    found = records(make_record, table(60))
    assert decided(found, leaked=["c0"], planned=60).pairs == 59
    assert decided(found, leaked=["c0"], planned=60).word == "ship"
    assert decided(found, leaked=["c0", "c1"], planned=60).word == "inconclusive"


@pytest.mark.parametrize("missing", [(None, True), (True, None), (None, None)])
def test_an_unread_verdict_counts_against_the_candidate(
    make_record: MakeRecord, missing: tuple[bool | None, bool | None]
) -> None:
    """Failed for the candidate, passed for the baseline; where that alone decides, it is inconclusive."""
    harmless = decided(records(make_record, [*table(200), missing]))
    assert harmless.word == "ship"
    assert harmless.unknown == 1
    assert harmless.endpoints[0].pairs.lost == (missing[0] is None)
    decisive = decided(records(make_record, [*table(59), missing]))
    assert decisive.word == ("inconclusive" if missing[0] is None else "ship")
    if missing[0] is None:
        told = "1 of 60 pairs of answers is unknown; but for that it would be SHIP."
        assert decisive.reason == told


def test_a_judge_s_silence_does_not_condemn_either(make_record: MakeRecord) -> None:
    """Counted against the candidate they would show a loss; left out they show none: inconclusive."""
    decision = decided(records(make_record, [*table(100, 5, 5), *[(None, True)] * 20]))
    assert decision.word == "inconclusive"
    told = "20 of 120 pairs of answers are unknown, and the decision hangs on how they are counted."
    assert decision.reason == told


def test_cases_that_were_never_asked_count_as_unknown(make_record: MakeRecord) -> None:
    """A run of 200 cases that stopped at 180 is not taken for one of 180."""
    found = records(make_record, table(180))
    assert decided(found, planned=180).word == "ship"
    stopped = decided(found, planned=200)
    assert (stopped.unknown, stopped.pairs, stopped.word) == (20, 200, "inconclusive")


def test_a_case_that_could_not_be_asked_is_unknown(make_record: MakeRecord) -> None:
    """An endpoint's error is not a wrong answer: it cannot make a candidate worse."""
    fine = records(make_record, table(100))
    lost = [make_record(f"e{n}", variant, error="late") for n in range(30) for variant in ("ft", "prompted")]
    decision = decided([*fine, *lost])
    assert (decision.word, decision.unknown) == ("inconclusive", 30)


def test_a_refused_answer_fails_every_check(make_record: MakeRecord) -> None:
    """Cut off or refused, an answer passes nothing, whatever its checks found in what there is."""
    whole = RecordedVerdict(WHOLE, "property", False, 0.0, "length", "cut off")
    found = [
        record
        for n in range(100)
        for record in (
            make_record(f"c{n}", "ft", RecordedVerdict("short", "property", True, 1.0), whole),
            make_record(f"c{n}", "prompted", True),
        )
    ]
    assert decided(found).endpoints[0].pairs.lost == 100


def test_checks_of_single_cases_are_one_endpoint(make_record: MakeRecord) -> None:
    """They pool, over the cases that have any."""
    own = [RecordedVerdict("own", "correctness", passed, 1.0) for passed in (True, False)]
    found = [
        record
        for n in range(100)
        for record in (
            make_record(f"c{n}", "ft", True, *([own[n < 20]] if n < 40 else [])),
            make_record(f"c{n}", "prompted", True, *([own[0]] if n < 40 else [])),
        )
    ]
    decision = decided(found, gating(case_checks=True))
    assert [(each.name, each.pairs.n, each.pairs.lost) for each in decision.endpoints] == [
        ("short", 100, 0),
        ("checks of cases", 40, 20),
    ]


def test_repeats_are_no_further_cases(make_record: MakeRecord) -> None:
    """20 cases, each asked five times with one answer, are 20 cases, not 100."""
    found = [
        record
        for repeat in range(5)
        for record in records(make_record, table(20), repeat=repeat)
    ]  # fmt: skip
    decision = decided(found, repeat=5)
    assert decision.word == "inconclusive"
    assert (decision.cases, decision.pairs) == (20, 100)
    assert "100 pairs in 20 groups" in decision.reason


def test_cases_of_one_group_are_one(make_record: MakeRecord) -> None:
    """100 cases in ten groups do not show what 100 unrelated ones would."""
    found = records(make_record, table(100))
    groups = {f"c{number}": f"g{number % 10}" for number in range(100)}
    assert decided(found).word == "ship"
    assert decided(found, gating(groups=groups)).word == "inconclusive"


def test_flips_between_repeats_are_averaged(make_record: MakeRecord) -> None:
    """A case that either side passes half the time is no discordance when both do."""
    found = []
    for repeat in range(2):
        flip = (repeat == 0, repeat == 1)
        found += records(make_record, [flip] * 30 + table(120), repeat=repeat)
    (endpoint,) = decided(found, repeat=2).endpoints
    assert (endpoint.pairs.won, endpoint.pairs.lost) == (0, 0)


def test_what_cannot_carry_a_ship_holds_it_up(make_record: MakeRecord) -> None:
    """A check with a reason against it is never shown, whatever its figures; and the reason is told."""
    decision = decided(
        records(make_record, table(500)), judged={"short": Judged(None, "its judge is not calibrated")}
    )
    assert decision.word == "inconclusive"
    assert "short: its judge is not calibrated" in decision.reason


def test_without_alpha_nothing_is_decided(make_record: MakeRecord) -> None:
    """Where earlier looks have used it up, even a clear result is inconclusive, and it says why."""
    decision = decided(records(make_record, table(500, 50, 0)), level=0.0)
    assert decision.word == "inconclusive"
    assert "no further look is left: spent." in decision.reason


def test_no_pair_decides_nothing(make_record: MakeRecord) -> None:
    """A gate without a case can neither be passed nor failed."""
    decision = decided([make_record("a", "base", True)])
    assert decision.word == "inconclusive"
    assert decision.reason == "ft and prompted share no answered case."


def test_inconclusive_says_what_would_help(make_record: MakeRecord) -> None:
    """How many more cases, and that there are too few whatever comes."""
    decision = decided(records(make_record, table(40)))
    assert "About 19 more cases would decide (at least 59 in all) (80% power, if equal)." in decision.reason


def test_more_repeats_are_named_where_they_would_do(make_record: MakeRecord) -> None:
    """Where the same case is now lost or won, now not, asking more often helps; where cases differ, not."""
    lost, won = [(False, True)] * 20 + [(True, True)] * 14, [(True, True)] * 20 + [(True, False)] * 14
    flips = [
        record
        for repeat, some in enumerate((lost, won))
        for record in records(make_record, some + table(94), repeat=repeat)
    ]
    firm = [record for repeat in (0, 1) for record in records(make_record, table(128, 8, 11), repeat=repeat)]
    assert "more answers to each, would decide" in decided(flips, repeat=2).reason
    reason = decided(firm, repeat=2).reason
    assert "more groups would decide" in reason


@pytest.mark.parametrize(
    ("right", "of", "word"), [(990, 1000, "ship"), (48, 60, "inconclusive"), (10, 10, "inconclusive")]
)
def test_a_judge_s_errors_widen_what_is_shown(
    make_record: MakeRecord, right: int, of: int, word: str
) -> None:
    """300 equal cases ship by a judge that was right a thousand times; not by one that errs, nor by one that
    was tried ten times."""
    reads = Accuracy(Rate(right, of), Rate(right, of))
    found = records(make_record, [(True, True)] * 270 + [(False, False)] * 30)
    decision = decided(found, judged={"short": Judged((reads, reads))})
    assert decision.word == word
    (plain,) = decided(found).endpoints
    (corrected,) = decision.endpoints
    assert plain.interval
    assert corrected.interval
    assert corrected.interval.low < plain.interval.low
    assert corrected.p_noninferior >= plain.p_noninferior
