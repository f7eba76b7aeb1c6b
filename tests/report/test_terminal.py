"""The report on a terminal."""

from __future__ import annotations

from evalkit.report.heading import heading
from evalkit.report.terminal import terminal
from evalkit.run.records import WHOLE, RecordedVerdict


def test_one_suite_is_drawn_as_designed(make_report, two_suites) -> None:
    """A single suite: title and heads share two lines; a row a variant; failures with what was wanted."""
    report = make_report(*(record for record in two_suites if record.suite == "cities"), notes=("A note.",))
    assert terminal(report) == (
        "cities   2 cases                                    prompt        answer\n"
        "          passed     95%  form  content  null  err  tokens   cut  tokens  $/1,000  p50/p95 ms\n"
        "base          0%    0-66  100%       0%     0    0      29            41     0.08    100/ 100\n"
        "prompted    100%  34-100  100%     100%     0    0     268            38     0.13    100/ 100\n"
        "ft           50%    9-91  100%      50%     0    0      29  -89%      36        ?    100/ 100\n"
        "\n"
        "cities: 1 ft failure, 1 new (prompted passed):\n"
        ' new  c2  equals  want "Oslo" got "Bergen"  got: Oslo\n'
        "\n"
        "A note."
    )


def test_several_suites_share_one_table(make_report, two_suites) -> None:
    """Each suite is named once, and `all` stands below them; the columns are the same for all."""
    lines = terminal(make_report(*two_suites)).split("\n")
    names = [line for line in lines if line.endswith(" cases")]
    assert names == ["cities   2 cases", "rivers   2 cases", "all   4 cases"]
    rows = [line for line in lines if line.startswith("  base")]
    assert len(rows) == 3
    assert len({len(line) for line in rows}) == 1


def test_a_hundred_columns_are_enough(make_report, make_record) -> None:
    """However long a reason, an answer or a name of a case is, no line is wider than 100 columns."""
    long = RecordedVerdict("equals", "correctness", False, 0.0, None, "why " * 60)
    records = [make_record("case-" * 20, "ft", long, suite="a-rather-long-name", text="word " * 80)]
    report = make_report(*records, notes=("A long note. " * 20,))
    assert max(map(len, terminal(report).split("\n"))) <= 100


def test_hostile_text_is_disarmed(make_report, make_record) -> None:
    """Escape codes and bidi marks in answers, reasons, names and notes never reach the terminal."""
    evil = "\x1b]0;owned\x07\u202e"
    verdict = RecordedVerdict(f"equals{evil}", "correctness", False, 0.0, None, f"found {evil}")
    record = make_record(f"c{evil}", "ft", verdict, text=evil, suite=f"s{evil}")
    broken = make_record("d", "ft", error=f"server said {evil}", suite=f"s{evil}")
    for verbosity in (-1, 0, 1):
        text = terminal(make_report(record, broken, notes=(evil,)), verbosity)
        assert all(char.isprintable() or char == "\n" for char in text)


def test_verbose_lists_every_check(make_report, two_suites) -> None:
    """With -v a rate stands for each check and variant, and each failure with its whole answer."""
    text = terminal(make_report(*two_suites), 1)
    assert "check   base  prompted    ft\nshort   100%      100%  100%\nequals    0%      100%   50%" in text
    assert "      got: Oslo" in text


def test_quiet_counts_failures_only(make_report, two_suites) -> None:
    """With -q failures are counted, not listed."""
    text = terminal(make_report(*two_suites), -1)
    assert "cities: 1 ft failure, 1 new (prompted passed)\n" in text
    assert "Bergen" not in text


def test_what_came_in_place_of_answers_is_told(make_report, make_record) -> None:
    """Refusals and the like are counted under the table, by variant, where there are any."""
    refused = RecordedVerdict(WHOLE, "property", False, 0.0, "refusal", "the model refused: no")
    text = terminal(make_report(make_record("a", "base", refused), make_record("a", "ft", True)))
    assert "refused: base 1\n" in text
    assert "cut off" not in text


def test_errors_are_told_with_their_number(make_report, make_record) -> None:
    """Cases that could not be asked are no failures: they are counted, with what the server said."""
    records = [make_record(case, "ft", error="no answer in 120 s") for case in "ab"]
    text = terminal(make_report(*records))
    assert "not asked: timeout: no answer in 120 s (2)" in text
    assert "failure" not in text


def test_leaked_cases_are_shown_apart(make_report, two_suites) -> None:
    """Only under the suite that has any: what passed of all other cases, and of these alone."""
    text = terminal(make_report(*two_suites, leaked={"cities": {"c1"}}))
    assert (
        "1 of 2 cases stand in the training data; passed of the others, and of them:\n"
        "base 0% (?) of 1, 0% of 1\n"
        "prompted 100% (?) of 1, 100% of 1\n"
        "ft 0% (?) of 1, 100% of 1\n"
    ) in text
    assert text.count("training data") == 1
    assert "training data" not in terminal(make_report(*two_suites))


def test_nothing_ships_before_there_is_a_gate(make_report, two_suites) -> None:
    """A table of rates is no decision, and must not look like one."""
    assert "SHIP" not in terminal(make_report(*two_suites), 1)


def test_the_heading_tells_who_is_asked_where_with_which_key(make_report, two_suites) -> None:
    """Variants that share a model share a line; the plan stands below, in the same columns."""
    report = make_report(*two_suites)
    assert heading(report.asked, report.plan) == (
        "base, prompted  gpt-5-mini    api.openai.com/v1  OPENAI_API_KEY\n"
        "ft              headlines-v2  gpu7:8000/v1       no key\n"
        "plan            6 requests, cap $5.00"
    )


def test_faults_on_the_way_are_told_where_there_were_any(make_report, make_record) -> None:
    """What may have been paid for nothing stands under the table, by variant; without any, no word of it."""
    odd = make_record("a", "base", attempts=4, possibly_billed=3, judge={"possibly_billed": 1})
    text = terminal(make_report(odd, make_record("a", "ft")))
    assert (
        "asked again after a fault: base 3\n"
        "possibly billed without an answer: base 3\n"
        "possibly billed without an answer, by the judge: base 1\n"
    ) in text
    assert "fault" not in terminal(make_report(make_record("a", "ft")))
    assert "billed" not in terminal(make_report(make_record("a", "ft")))


def test_streams_are_told_where_there_were_any(make_report, make_record) -> None:
    """Time to the first token and speed of streamed answers; `?` where the server did not count tokens."""
    fast = make_record("a", "base", usage=(20, 11), latency_ms=300.0, ttft_ms=100.0)
    uncounted = make_record("a", "ft", usage=(None, None), latency_ms=300.0, ttft_ms=80.0)
    text = terminal(make_report(fast, uncounted, make_record("a", "old")))
    many = (make_record("a", f"variant-{n}", latency_ms=300.0, ttft_ms=9.0) for n in range(9))
    assert max(map(len, terminal(make_report(*many)).split("\n"))) <= 100
    assert "first token after (p50), tokens from then on: base 100 ms, 50/s; ft 80 ms, ?/s\n" in text


def test_a_run_without_records_can_be_reported(make_report) -> None:
    """One that has just begun, or could ask nothing, is no fault."""
    assert terminal(make_report(notes=("A note.",))) == "No records yet.\n\nA note."


def test_the_most_frequent_errors_are_told(make_report, make_record) -> None:
    """However many different ones there are, five lines and a count are enough."""
    records = [make_record(f"{n}-{m}", "ft", error=f"fault {n}") for n in range(9) for m in range(n + 1)]
    lines = [line for line in terminal(make_report(*records)).split("\n") if line.startswith("not asked")]
    assert lines == [
        *(f"not asked: timeout: fault {n} ({n + 1})" for n in (8, 7, 6, 5, 4)),
        "not asked: 4 other reasons (10)",
    ]


def test_what_is_not_listed_is_counted(make_report, make_record) -> None:
    """-v lists all that are known; further ones stand in the records alone."""
    report = make_report(*(make_record(f"c{n:02}", "ft", False) for n in range(60)))
    assert " … and 50 more: -v lists more, records.jsonl has all" in terminal(report)
    assert " … and 10 more: records.jsonl has all" in terminal(report, 1)
    assert "cities: 60 ft failures:" in terminal(report)
