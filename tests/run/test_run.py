"""A run from beginning to end, against a real server on loopback."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from evalkit.config import ModelFlags, load_config
from evalkit.errors import NothingCollected, UsageError
from evalkit.report.load import load_report
from evalkit.run.codec import passed
from evalkit.run.records import Record
from evalkit.run.store import latest
from evalkit.suite import load_suite
from tests.loopback import Json, Loopback, Reply, as_json, refused, said, shouting
from tests.run.helpers import WORDS, Watching, config_for, run_in, write_suite


def test_every_case_is_asked_of_every_variant_and_checked(tmp_path: Path, loopback: Loopback) -> None:
    """One record each; base fails what prompted passes, because only prompted is told what to do."""
    outcome, records = run_in(tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback))
    assert (outcome.planned, outcome.asked, outcome.cached, outcome.errors) == (24, 24, 0, 0)
    assert outcome.stopped is None
    rates = Counter(record.variant for record in records if passed(record.verdicts))
    assert Counter(record.variant for record in records) == {"base": 8, "prompted": 8, "ft": 8}
    assert rates == {"prompted": 8}
    assert len({(record.case, record.variant) for record in records}) == 24


def test_a_record_is_stored_before_it_is_told(tmp_path: Path, loopback: Loopback) -> None:
    """Whoever watches a run finds each record on disk."""

    class Looking(Watching):
        def answered(self, record: Record) -> None:
            super().answered(record)
            newest = latest(tmp_path / "reports")
            assert newest is not None
            seen.append(len((newest / "records.jsonl").read_bytes().splitlines()))

    seen: list[int] = []
    run_in(
        tmp_path, write_suite(tmp_path / "cities"), config_for(tmp_path, loopback), Looking(), concurrency=1
    )
    assert seen == list(range(1, 25))


def test_an_unchanged_rerun_asks_nothing(tmp_path: Path, loopback: Loopback) -> None:
    """Answers come from the cache with their first date, latency and cost, marked as cached."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    _, first = run_in(tmp_path, suite, config)
    loopback.asked.clear()
    outcome, again = run_in(tmp_path, suite, config)
    assert (outcome.asked, outcome.cached) == (0, 24)
    assert loopback.questions == []
    kept = {(r.case, r.variant): (r.at, r.response, r.cost_usd, r.verdicts) for r in first}
    assert {(r.case, r.variant): (r.at, r.response, r.cost_usd, r.verdicts) for r in again} == kept
    assert all(record.cached for record in again)


def test_without_the_cache_all_is_asked_again(tmp_path: Path, loopback: Loopback) -> None:
    """`--no-cache` neither reads nor writes it."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    run_in(tmp_path, suite, config, use_cache=False)
    assert not (tmp_path / ".evalkit").exists()
    outcome, _ = run_in(tmp_path, suite, config, use_cache=False)
    assert outcome.asked == 24


def test_what_shapes_an_answer_is_asked_anew(tmp_path: Path, loopback: Loopback) -> None:
    """Another parameter is another question."""
    config = config_for(tmp_path, loopback)
    run_in(tmp_path, write_suite(tmp_path / "cities"), config)
    suite = write_suite(tmp_path / "cities", more="params: {temperature: 0}\n")
    outcome, _ = run_in(tmp_path, suite, config)
    assert (outcome.asked, outcome.cached) == (24, 0)


def test_each_repeat_is_a_question_of_its_own(tmp_path: Path, loopback: Loopback) -> None:
    """`--repeat 3` asks three times, and records which is which."""
    config = config_for(tmp_path, loopback, "prompted")
    outcome, records = run_in(tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config, repeat=3)
    assert outcome.asked == 3
    assert sorted(record.repeat for record in records) == [0, 1, 2]


def test_an_error_is_recorded_and_never_graded_or_kept(tmp_path: Path, loopback: Loopback) -> None:
    """A case that cannot be asked has an error, no verdict, null for passed; the next run asks it again."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback, "prompted")

    def rule(body: Json) -> Reply:
        return (
            refused(400, "bad_request", "no") if body["messages"][-1]["content"] == "rome" else shouting(body)
        )

    loopback.rule = rule
    outcome, records = run_in(tmp_path, suite, config)
    (failed,) = [record for record in records if record.error]
    assert outcome.errors == 1
    assert (failed.case, failed.response, failed.verdicts, failed.cost_usd) == ("rome", None, (), None)
    assert failed.error is not None
    assert (failed.error.type, failed.error.message) == ("bad_request", "HTTP 400: no")
    lines = (outcome.folder / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["passed"] for line in lines if "bad_request" in line] == [None]
    loopback.rule = shouting
    outcome, _ = run_in(tmp_path, suite, config)
    assert (outcome.asked, outcome.cached) == (1, 7)


def test_answers_that_are_not_whole_fail(tmp_path: Path, loopback: Loopback) -> None:
    """Refused, filtered, cut off, a tool call where text was due: it fails, whatever the checks say."""
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    faults = {
        "oslo": ({"content": "OSLO", "refusal": "I may not"}, "stop"),
        "rome": ({"content": "ROME"}, "content_filter"),
        "lima": ({"content": "LIMA"}, "length"),
        "cairo": ({"content": "CAIRO", "tool_calls": [call]}, "tool_calls"),
        "quito": ({"content": "QUITO"}, "stop"),
    }

    def rule(body: Json) -> Reply:
        message, reason = faults[body["messages"][-1]["content"]]
        return as_json({"choices": [{"message": message, "finish_reason": reason}]})

    loopback.rule = rule
    config = config_for(tmp_path, loopback, "prompted")
    _, records = run_in(tmp_path, write_suite(tmp_path / "cities", list(faults)), config)
    assert {record.case: passed(record.verdicts) for record in records} == {
        "oslo": False,
        "rome": False,
        "lima": False,
        "cairo": False,
        "quito": True,
    }


def test_a_tool_call_that_is_due_is_a_whole_answer(tmp_path: Path, loopback: Loopback) -> None:
    """The case's tools are sent, and the call is held against the call that ends the case's conversation."""
    (tmp_path / "home").mkdir()
    function = {"name": "light", "arguments": '{"room": "hall"}'}
    tools = [{"type": "function", "function": {"name": "light", "parameters": {"type": "object"}}}]
    call = {"id": "1", "type": "function", "function": function}
    said = {"role": "assistant", "content": "", "tool_calls": [call]}
    case = {"messages": [{"role": "user", "content": "Light in the hall!"}, said], "tools": tools}
    (tmp_path / "home" / "cases.jsonl").write_text(json.dumps(case), "utf-8")
    (tmp_path / "home" / "suite.yaml").write_text(
        "prompt: Obey.\ncases: cases.jsonl\nchecks: [tool_call]", "utf-8"
    )

    def rule(body: Json) -> Reply:
        assert body["tools"] == tools
        message = {"content": None, "tool_calls": [call]}
        return as_json({"choices": [{"message": message, "finish_reason": "tool_calls"}]})

    loopback.rule = rule
    _, (record,) = run_in(tmp_path, load_suite(tmp_path / "home"), config_for(tmp_path, loopback, "ft"))
    assert [(verdict.check, verdict.passed) for verdict in record.verdicts] == [("tool_call", True)]


def test_unknown_counts_and_costs_are_null(tmp_path: Path, loopback: Loopback) -> None:
    """A server without usage and a model without a price leave null, not 0."""
    loopback.rule = lambda body: said(str(body["messages"][-1]["content"]).upper())
    config = config_for(tmp_path, loopback, "ft")
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config)
    record = json.loads((outcome.folder / "records.jsonl").read_text())
    assert set(record["usage"].values()) == {None}
    assert (record["cost_usd"], record["passed"]) == (None, True)


def test_a_priced_answer_has_its_cost(tmp_path: Path, loopback: Loopback) -> None:
    """The server's token counts times the price of evalkit.toml."""
    prices = '[[prices]]\nmodel = "tuned"\nin = 1000000\nout = 2000000\n'
    config = config_for(tmp_path, loopback, "ft", toml=prices)
    _, records = run_in(tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config, max_cost=None)
    assert [record.cost_usd for record in records] == [1 * 1 + 1 * 2]


def test_maxfail_counts_the_candidate_only(tmp_path: Path, loopback: Loopback) -> None:
    """Base is meant to fail; the run stops when ft has failed often enough."""
    suite = write_suite(tmp_path / "cities")
    outcome, records = run_in(tmp_path, suite, config_for(tmp_path, loopback), maxfail=2, concurrency=1)
    assert outcome.stopped == "maxfail"
    assert sum(r.variant == "ft" for r in records) == 2
    loopback.rule = lambda body: said(
        str(body["messages"][-1]["content"]).upper() if body["model"] == "tuned" else ""
    )
    config = config_for(tmp_path / "other", loopback)
    outcome, _ = run_in(tmp_path / "other", suite, config, maxfail=1)
    assert outcome.stopped is None


@pytest.mark.parametrize("flags", [{"maxfail": 1}, {"last_failed": True}])
def test_without_a_candidate_nothing_goes_by_its_failures(
    flags: dict[str, object], tmp_path: Path, loopback: Loopback
) -> None:
    """Told before anything is asked, with the variants that could be it."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback, "base", "prompted")
    run_in(tmp_path, suite, config, gate=False)
    asked = len(loopback.questions)
    with pytest.raises(UsageError, match="ft is not asked in cities: add --candidate with one of base"):
        run_in(tmp_path, suite, config, gate=False, **flags)
    assert len(loopback.questions) == asked


def test_last_failed_asks_what_the_candidate_failed(tmp_path: Path, loopback: Loopback) -> None:
    """`--lf` takes the newest run's cases; base's failures do not count."""

    def rule(body: Json) -> Reply:
        word = str(body["messages"][-1]["content"])
        return said(word.upper() if body["model"] == "tuned" and word != "rome" else word)

    loopback.rule = rule
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    run_in(tmp_path, suite, config)
    outcome, records = run_in(tmp_path, suite, config, last_failed=True)
    assert {(record.case, record.variant) for record in records} == {
        ("rome", "base"),
        ("rome", "prompted"),
        ("rome", "ft"),
    }
    assert json.loads((outcome.folder / "run.json").read_text())["partial"] is True


def test_last_failed_without_failures_collects_nothing(tmp_path: Path, loopback: Loopback) -> None:
    """Exit 5, rather than asking all again."""
    loopback.rule = lambda body: said(str(body["messages"][-1]["content"]).upper())
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    with pytest.raises(UsageError, match="no run under"):
        run_in(tmp_path, suite, config, last_failed=True)
    run_in(tmp_path, suite, config)
    with pytest.raises(NothingCollected, match="failed no case"):
        run_in(tmp_path, suite, config, last_failed=True)


def test_an_unknown_model_is_refused_before_anything_is_asked(tmp_path: Path, loopback: Loopback) -> None:
    """The message names what the endpoint has, and what is close; no run folder is made."""
    loopback.serves = {"plain": {}, "tunes": {}}
    config = config_for(tmp_path, loopback)
    with pytest.raises(UsageError, match=r"has no model 'tuned', did you mean tunes.*it has plain, tunes"):
        run_in(tmp_path, write_suite(tmp_path / "cities"), config)
    assert loopback.questions == []
    assert not (tmp_path / "reports").exists()


def test_other_weights_are_another_question(tmp_path: Path, loopback: Loopback) -> None:
    """The cache goes by the fingerprint of a model, where its endpoint tells one."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback, "ft")
    loopback.serves = {"tuned": {"fingerprint": "aaaa"}}
    run_in(tmp_path, suite, config)
    loopback.serves = {"tuned": {"fingerprint": "bbbb"}}
    outcome, _ = run_in(tmp_path, suite, config)
    assert (outcome.asked, outcome.cached) == (8, 0)
    info = json.loads((outcome.folder / "run.json").read_text())
    (endpoint,) = info["endpoints"].values()
    assert endpoint["fingerprints"] == {"tuned": "bbbb"}


def test_shutdown_dates_are_kept_and_told(tmp_path: Path, loopback: Loopback) -> None:
    """run.json keeps what the list of models says; a fine-tune goes by its base. The report warns."""
    tuned = "ft:plain:acme::Abc1"
    loopback.serves = {"plain": {"shutdown_date": "2999-01-14"}, tuned: {"shutdown_date": None}}
    place = loopback.base_url
    config = load_config(tmp_path, ModelFlags(base=f"plain@{place}", ft=f"{tuned}@{place}"), {})
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config)
    (endpoint,) = json.loads((outcome.folder / "run.json").read_text())["endpoints"].values()
    assert endpoint["shutdown_dates"] == {"plain": "2999-01-14", tuned: "2999-01-14"}
    (note,) = (note for note in load_report(outcome.folder).notes if "shut down" in note)
    assert note.startswith(f"{tuned}, plain are shut down on 2999-01-14, in ")
    assert note.endswith("record their answers before that (evalkit record).")


@pytest.mark.parametrize("date", [None, "soon", 20270114, ""])
def test_a_shutdown_date_that_is_none_is_not_kept(date: object, tmp_path: Path, loopback: Loopback) -> None:
    """Servers may say anything there."""
    loopback.serves = {"plain": {"shutdown_date": date}, "tuned": {}}
    suite = write_suite(tmp_path / "cities", ["oslo"])
    outcome, _ = run_in(tmp_path, suite, config_for(tmp_path, loopback))
    (endpoint,) = json.loads((outcome.folder / "run.json").read_text())["endpoints"].values()
    assert endpoint["shutdown_dates"] == {}


def test_the_volume_of_the_file_reaches_the_report(tmp_path: Path, loopback: Loopback) -> None:
    """[volume] of evalkit.toml is kept in run.json; a report needs no evalkit.toml."""
    config = config_for(tmp_path, loopback, toml="[volume]\ncalls_per_day = 10000\n")
    outcome, _ = run_in(tmp_path, write_suite(tmp_path / "cities", ["oslo"]), config)
    assert [suite.calls_per_day for suite in load_report(outcome.folder).money] == [10_000]
    assert [suite.calls_per_day for suite in load_report(outcome.folder, calls_per_day=7.5).money] == [7.5]


def test_an_endpoint_that_is_not_there_is_named_at_once(tmp_path: Path) -> None:
    """A wrong port is told before a thousand retries."""
    config = config_for(tmp_path, "http://127.0.0.1:9/v1")
    with pytest.raises(UsageError, match="is a server running there"):
        run_in(tmp_path, write_suite(tmp_path / "cities"), config)


def test_a_public_model_without_a_price_is_refused(tmp_path: Path) -> None:
    """A cap cannot hold where nobody knows the price; `--max-cost none` lifts it."""
    config = config_for(tmp_path, "https://models.example.com/v1")
    with pytest.raises(UsageError, match="no price for plain at models"):
        run_in(tmp_path, write_suite(tmp_path / "cities"), config)


def test_variants_are_interleaved_in_an_order_that_the_seed_decides(
    tmp_path: Path, loopback: Loopback
) -> None:
    """A case's variants stand together; another seed gives another order; the same seed the same."""
    suite, config = write_suite(tmp_path / "cities"), config_for(tmp_path, loopback)
    orders = []
    for seed in (1, 1, 2):
        watching = Watching()
        run_in(tmp_path, suite, config, watching, seed=seed)
        orders.append([task.key for task in watching.plans[0]])
    assert orders[0] == orders[1] != orders[2]
    triples = [orders[0][start : start + 3] for start in range(0, 24, 3)]
    assert all(len({case for _, case, _, _ in triple}) == 1 for triple in triples)
    assert len({tuple(variant for _, _, variant, _ in triple) for triple in triples}) > 1
    assert sorted(case for _, case, _, _ in orders[0]) == sorted(WORDS * 3)
