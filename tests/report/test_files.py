"""report.md, report.csv and summary.json, as they are written into a run's folder."""

from __future__ import annotations

import io
import json
import stat
from dataclasses import replace
from pathlib import Path

import jsonschema
import pandas as pd
import pytest

from evalkit.errors import StorageError
from evalkit.report.csv import csv
from evalkit.report.markdown import markdown
from evalkit.report.summary import schema, summary
from evalkit.report.write import write_report
from evalkit.run.records import RecordedVerdict

REQUIRED = {
    "cases", "errors", "unknown", "property_rate", "correct_rate", "pass_rate", "prompt_tokens",
    "completion_tokens", "cost_per_1k", "latency_p50_ms", "latency_p95_ms",
}  # fmt: skip


def test_the_summary_is_what_its_schema_says(make_report, two_suites) -> None:
    """summary.json is valid against the published schema, and has every figure that the design names."""
    found = json.loads(json.dumps(summary(make_report(*two_suites))))
    jsonschema.Draft202012Validator.check_schema(schema())
    jsonschema.validate(found, schema())
    assert found["suites"]["cities"]["variants"]["ft"].keys() >= REQUIRED
    assert found["suites"]["cities"]["variants"]["ft"]["pass_rate"] == 0.5
    assert found["all"]["variants"]["base"]["cases"] == 4


def test_leaks_stand_in_every_file_that_has_any(make_report, two_suites) -> None:
    """Rates without the leaked cases and of them alone; without leaks no file mentions them."""
    report = make_report(*two_suites, leaked={"cities": {"c1"}})
    found = json.loads(json.dumps(summary(report)))
    jsonschema.validate(found, schema())
    ft = found["suites"]["cities"]["variants"]["ft"]
    assert (ft["leaked_cases"], ft["clean_pass_rate"], ft["leaked_pass_rate"]) == (1, 0.0, 1.0)
    assert found["all"]["variants"]["ft"]["leaked_cases"] == 1
    assert "leaked_cases" not in found["suites"]["rivers"]["variants"]["ft"]
    table = pd.read_csv(io.StringIO(csv(report)))
    assert table[table.suite == "rivers"].leaked_cases.isna().all()
    assert "- ft 0% (?) of 1, 100% of 1" in markdown(report).replace("\\", "")
    clean = make_report(*two_suites)
    assert "leaked" not in markdown(clean) + csv(clean) + json.dumps(summary(clean))


def test_unknown_is_null_and_an_empty_cell(make_report, make_record) -> None:
    """What is not known is null in JSON and empty in CSV, never 0."""
    report = make_report(make_record("a", "ft", True, usage=(None, None), cost_usd=None, latency_ms=None))
    figures = summary(report)["suites"]["cities"]["variants"]["ft"]
    unknown = ("prompt_tokens", "completion_tokens", "cost_per_1k", "latency_p50_ms", "correct_rate")
    assert [figures[name] for name in unknown] == [None] * 5
    row = pd.read_csv(io.StringIO(csv(report))).iloc[0]
    assert row[list(unknown)].isna().all()


def test_the_csv_has_the_summary_s_figures(make_report, two_suites) -> None:
    """A row a suite and variant, and `(all)`; numbers in full precision."""
    table = pd.read_csv(io.StringIO(csv(make_report(*two_suites))))
    assert list(table.suite.unique()) == ["cities", "rivers", "(all)"]
    row = table[(table.suite == "cities") & (table.variant == "ft")].iloc[0]
    assert row.prompt_tokens_change == pytest.approx(29 / 268 - 1, abs=1e-12)
    assert (row.pass_rate, row.cases) == (0.5, 2)


def test_no_formula_reaches_a_spreadsheet(make_report, make_record) -> None:
    """A suite or variant whose name begins as a formula does is led by an apostrophe."""
    text = csv(make_report(make_record("a", "=cmd()", True, suite="@SUM(A1)")))
    row = pd.read_csv(io.StringIO(text)).iloc[0]
    assert (row.suite, row.variant) == ("'@SUM(A1)", "'=cmd()")


def test_markdown_shows_hostile_text_as_text(make_report, make_record) -> None:
    """Answers, reasons and names stand in code spans or behind backslashes: no HTML, no link."""
    evil = "<script>alert(1)</script> [x](https://evil.example) a|b `c`"
    verdict = RecordedVerdict("equals", "correctness", False, 0.0, None, evil)
    text = markdown(make_report(make_record(evil, "ft", verdict, text=evil, suite="s<b>"), notes=(evil,)))
    (row,) = (line for line in text.split("\n") if "equals" in line)
    assert row.count("`` <script>alert(1)</script> [x](https://evil.example) a\\|b `c` ``") == 3
    assert "## s\\<b\\>" in text
    assert "- \\<script\\>" in text


def test_markdown_names_all_suites_and_new_failures(make_report, two_suites) -> None:
    """A table a suite, one over all, and the candidate's failures with the new ones marked."""
    text = markdown(make_report(*two_suites))
    assert [line for line in text.split("\n") if line.startswith("## ")] == [
        "## cities", "## rivers", "## All suites", "## Notes",
    ]  # fmt: skip
    assert "1 ft failure, 1 new \\(prompted passed\\):" in text
    assert "| new | `c2`   | equals  |" in text


def test_all_files_are_written_whole(make_report, two_suites, tmp_path: Path) -> None:
    """The folder holds them beside its run.json, readable by others, and nothing half-written."""
    (tmp_path / "run.json").write_text("{}")
    write_report(make_report(*two_suites), tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {
        "run.json", "report.csv", "report.html", "report.md", "junit.xml", "summary.json",
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "summary.json").stat().st_mode) == 0o644


def test_a_folder_that_cannot_be_written_is_said(make_report, two_suites, tmp_path: Path) -> None:
    """The message names the file and what to do."""
    with pytest.raises(StorageError, match=r"report\.md: cannot be written .*--out DIR"):
        write_report(make_report(*two_suites), tmp_path / "gone")


def test_streams_faults_and_plans_stand_in_every_file(make_report, make_record) -> None:
    """In summary.json and report.csv always, in report.md where there is something to say."""
    records = [
        make_record(
            "a", "ft", usage=(20, 11), latency_ms=300.0, ttft_ms=100.0, attempts=3, possibly_billed=2
        ),
        make_record("b", "ft", usage=(20, 11), latency_ms=300.0, ttft_ms=100.0, judge={"possibly_billed": 1}),
    ]
    report = replace(make_report(*records), planned={"cities": {"ft": 5}}, remedy="To go on: evalkit x")
    found = json.loads(json.dumps(summary(report)))
    jsonschema.validate(found, schema())
    wanted = {
        "planned": 5, "ttft_p50_ms": 100.0, "tokens_per_s": 50.0, "retries": 2, "possibly_billed": 2,
        "judge_possibly_billed": 1,
    }  # fmt: skip
    for figures in (found["suites"]["cities"]["variants"]["ft"], found["all"]["variants"]["ft"]):
        assert wanted.items() <= figures.items()
    row = pd.read_csv(io.StringIO(csv(report))).iloc[0]
    assert {name: row[name] for name in wanted} == wanted
    text = markdown(report)
    assert "- possibly billed without an answer: ft 2\n" in text
    assert "- first token after \\(p50\\), tokens from then on: ft 100 ms, 50/s\n" in text
    assert "- To go on: evalkit x.\n" in text


def test_what_is_not_planned_or_streamed_is_unknown(make_report, two_suites) -> None:
    """null and no word, not 0."""
    report = make_report(*two_suites)
    figures = summary(report)["suites"]["cities"]["variants"]["ft"]
    assert [figures[name] for name in ("planned", "ttft_p50_ms", "tokens_per_s")] == [None] * 3
    assert figures["possibly_billed"] == 0
    assert "billed" not in markdown(report)
    assert "first token" not in markdown(report)


def test_a_run_without_records_has_files(make_report, tmp_path: Path) -> None:
    """Empty ones, that programs can read."""
    (tmp_path / "run.json").write_text("{}")
    write_report(make_report(), tmp_path)
    found = json.loads((tmp_path / "summary.json").read_text())
    jsonschema.validate(found, schema())
    assert found["suites"] == {}
