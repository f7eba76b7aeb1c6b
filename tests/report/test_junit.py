"""junit.xml, read as CI systems read it."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalkit.errors import StorageError
from evalkit.gate import Decision, Decisions
from evalkit.report.junit import write_junit
from evalkit.report.model import Report
from evalkit.run.codec import dump_line, record_to_json
from evalkit.run.records import Record, RecordedVerdict
from evalkit.run.store import RECORDS
from tests.report.deciding import decided

HOSTILE = "]]><x a='&amp;\"'>\x00\x1b[31m\u202egnp\ud800\ufffe\r\n\t::error::"


def written(report: Report, records: list[Record], folder: Path, *, strict: bool = False) -> Element:
    """The file of a run with these records, parsed."""
    (folder / RECORDS).write_bytes(b"".join(dump_line(record_to_json(record)) for record in records))
    write_junit(report, folder, folder / "junit.xml", strict=strict)
    return ElementTree.parse(folder / "junit.xml").getroot()


def gate_of(root: Element, suite: str = "cities") -> Element:
    """A suite's own test case."""
    (found,) = (
        case for case in root.iter("testcase") if (case.get("classname"), case.get("name")) == (suite, "gate")
    )
    return found


def ended(case: Element) -> tuple[str, str]:
    """`passed`, or the element that tells otherwise, with its message."""
    found = [child for child in case if child.tag != "system-out"]
    return (found[0].tag, found[0].get("message", "")) if found else ("passed", "")


@pytest.mark.parametrize(
    ("decision", "tag", "message"),
    [
        (decided("cities", "ship"), "passed", ""),
        (decided("cities", "dont_ship"), "failure", "DON'T SHIP: because"),
        (decided("cities", "inconclusive"), "failure", "INCONCLUSIVE: because"),
        (decided("cities", "inconclusive", inconclusive_passes=True), "skipped", "INCONCLUSIVE: because"),
    ],
    ids=["ship", "dont-ship", "inconclusive", "inconclusive-passes"],
)
def test_a_suite_s_gate_fails_as_the_gate_does(
    decision: Decision, tag: str, message: str, make_report, two_suites, tmp_path: Path
) -> None:
    """What stops a deployment is a failure, with its reason; what the suite lets pass is skipped."""
    report = replace(make_report(*two_suites), gate=Decisions((decision,)))
    root = written(report, two_suites, tmp_path)
    assert ended(gate_of(root)) == (tag, message)
    assert ended(gate_of(root, "rivers")) == ("skipped", "not gated")


@pytest.mark.parametrize(
    ("gate", "why"),
    [(None, "the run was made with --no-gate"), (Decisions((), "a partial run"), "a partial run")],
)
def test_what_was_not_gated_is_skipped(gate, why: str, make_report, two_suites, tmp_path: Path) -> None:
    """With the reason, in every suite."""
    root = written(replace(make_report(*two_suites), gate=gate), two_suites, tmp_path)
    assert ended(gate_of(root)) == ended(gate_of(root, "rivers")) == ("skipped", f"not gated: {why}")


@pytest.mark.parametrize(
    ("strict", "ends"),
    [
        (False, ["passed", "skipped", "skipped", "skipped"]),
        (True, ["passed", "failure", "error", "error"]),
    ],
)
def test_a_candidate_s_answers_are_test_cases(
    strict: bool, ends: list[str], make_report, make_record, tmp_path: Path
) -> None:
    """One that did not pass is skipped with its reason; --strict lets it fail, and unknown ones be errors."""
    wrong = RecordedVerdict("equals", "correctness", False, 0.0, "Bergen", 'want "Oslo"')
    unread = RecordedVerdict("tone", "property", None, None, None, "the judge said nothing")
    records = [
        make_record("a", "ft", True),
        make_record("b", "ft", True, wrong, text="Bergen"),
        make_record("c", "ft", unread),
        make_record("d", "ft", error="took too long"),
        make_record("a", "base", wrong),
    ]
    root = written(make_report(*records), records, tmp_path, strict=strict)
    cases = [case for case in root.iter("testcase") if case.get("name") != "gate"]
    assert [(case.get("classname"), case.get("name")) for case in cases] == [
        ("cities.ft", name) for name in "abcd"
    ]
    assert [ended(case)[0] for case in cases] == ends
    assert [ended(case)[1] for case in cases][1:] == [
        'equals: want "Oslo"', "tone: the judge said nothing", "not asked: took too long",
    ]  # fmt: skip
    assert cases[1][0].text == "got: Bergen"
    assert [case.get("time") for case in cases] == ["0.100", "0.100", "0.100", None]


def test_the_heads_count_what_is_in_them(make_report, two_suites, tmp_path: Path) -> None:
    """tests, failures, errors, skipped and time of each suite, and of all; repeats are told apart."""
    records = [*two_suites, *(replace(record, repeat=1, cached=True) for record in two_suites)]
    report = replace(make_report(*records), gate=Decisions((decided("cities", "dont_ship"),)))
    root = written(report, records, tmp_path)
    heads = [
        {name: each.get(name) for name in ("tests", "failures", "errors", "skipped", "time")} for each in root
    ]
    assert heads == [
        {"tests": "5", "failures": "1", "errors": "0", "skipped": "2", "time": "0.200"},
        {"tests": "5", "failures": "0", "errors": "0", "skipped": "3", "time": "0.200"},
    ]
    assert (root.get("tests"), root.get("failures"), root.get("skipped"), root.get("time")) == (
        "10",
        "1",
        "5",
        "0.400",
    )
    assert [case.get("name") for case in root[0]] == ["gate", "c1[0]", "c2[0]", "c1[1]", "c2[1]"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50)
@given(st.one_of(st.text(st.characters(codec=None), min_size=1), st.just(HOSTILE)))
def test_any_text_makes_valid_xml(make_report, make_record, tmp_path: Path, text: str) -> None:
    """Suites, cases, reasons and answers of any characters: no element is added, and nothing is invisible."""
    verdict = RecordedVerdict(text, "property", False, 0.0, None, text)
    records = [make_record(text, "ft", verdict, suite=text, text=text)]
    report = replace(
        make_report(*records), gate=Decisions((replace(decided(text, "dont_ship"), reason=text),))
    )
    root = written(report, records, tmp_path)
    assert [element.tag for element in root.iter()] == [
        "testsuites", "testsuite", "testcase", "failure", "testcase", "skipped",
    ]  # fmt: skip
    values = [value for element in root.iter() for value in element.attrib.values()]
    shown = "".join([*values, root[0][1][0].text or ""])
    assert all(char.isprintable() or unicodedata.category(char) == "Zs" for char in shown)


def test_text_that_xml_cannot_hold_is_written_out(make_report, make_record, tmp_path: Path) -> None:
    """Escapes, bidi marks and half surrogates are seen, as on a terminal; long text is cut."""
    records = [make_record("a", "ft", False, text=HOSTILE), make_record("b", "ft", False, text="x" * 10_000)]
    root = written(make_report(*records), records, tmp_path)
    first, second = (skipped.text or "" for skipped in list(root.iter("skipped"))[1:])
    assert first == "got: ]]><x a='&amp;\"'>\\x00\\x1b[31m\\u202egnp\\ud800\\ufffe\\r\\n\\t::error::"
    assert len(second) == 2000


def test_a_file_that_cannot_be_written_is_said(make_report, two_suites, tmp_path: Path) -> None:
    """With its name, and what to do."""
    with pytest.raises(StorageError, match=r"junit\.xml: cannot be written"):
        write_junit(make_report(*two_suites), tmp_path, tmp_path / "gone" / "junit.xml")


def test_missing_answers_are_counted(make_report, make_record, tmp_path: Path) -> None:
    """Of a run that was stopped: one test case says how many, and a suite that was not begun has its own."""
    records = [make_record("a", "ft")]
    planned = {"cities": {"ft": 40, "base": 40}, "rivers": {"ft": 2}}
    report = replace(
        make_report(*records), planned=planned, gate=Decisions((decided("rivers", "dont_ship"),))
    )
    for strict, tag in ((False, "skipped"), (True, "error")):
        root = written(report, records, tmp_path, strict=strict)
        found = {suite.get("name"): [(case.get("name"), ended(case)) for case in suite] for suite in root}
        assert found["cities"][2] == ("missing", (tag, "39 of 40 answers are missing"))
        assert found["rivers"] == [
            ("gate", ("failure", "DON'T SHIP: because")),
            ("missing", (tag, "2 of 2 answers are missing")),
        ]


def test_strange_latencies_are_no_times(make_report, make_record, tmp_path: Path) -> None:
    """What is no number is left out: readers take seconds only."""
    records = [make_record("a", "ft", latency_ms=float("nan")), make_record("b", "ft", latency_ms=1500.0)]
    root = written(make_report(*records), records, tmp_path)
    assert [case.get("time") for case in root[0]] == [None, None, "1.500"]
    assert root.get("time") == "1.500"
