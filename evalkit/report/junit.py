"""junit.xml: what a CI system shows of a run: a test case for each suite's gate and each candidate's answer.

A test case fails as the gate does. An answer that did not pass is skipped with its reason: a model need not
pass every case to ship.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, Literal
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from evalkit.gate import SPOKEN, Decision, Decisions
from evalkit.report.escape import clip, printable
from evalkit.report.model import Report
from evalkit.report.replacing import replacing
from evalkit.run.rows import Row, open_rows

Kind = Literal["passed", "failure", "error", "skipped"]

LONGEST_TEXT = 2000
"""Characters of a reason or an answer; records.jsonl has all of it."""

_IN_MEMORY = 1 << 18
"""Bytes of a suite's test cases; more of them wait in a temporary file, since their number comes first."""

_COUNTS: Mapping[str, Kind] = {"failures": "failure", "errors": "error", "skipped": "skipped"}


@dataclass(frozen=True, slots=True)
class JunitCase:
    """One element.

    Attributes:
        kind: how it ended. type: a word for what was found. message: a line; details: further lines.
        seconds: None where it was not measured.
    """

    classname: str
    name: str
    kind: Kind
    type: str = ""
    message: str = ""
    details: tuple[str, ...] = ()
    seconds: float | None = None


def write_junit(report: Report, folder: Path, path: Path, *, strict: bool = False) -> None:
    """Write the test cases of a run, one record at a time.

    Args:
        report: of the run. folder: its own, with the records.
        path: where to.
        strict: an answer that did not pass is a failure, and one that is missing or undecided an error.

    Raises:
        StorageError: `path` cannot be written.
        UsageError: the records cannot be read.
    """
    with replacing(path) as file:
        dump_junit(report, folder, file, strict=strict)


def dump_junit(report: Report, folder: Path, file: BinaryIO, *, strict: bool = False) -> None:
    """The same into a file that is open, for bytes."""
    with ExitStack() as bodies:
        suites = {
            name: _Suite(name, report, bodies.enter_context(SpooledTemporaryFile(_IN_MEMORY)))
            for name in _names(report)
        }
        with open_rows(folder) as rows:
            for row in rows:
                if row.suite in suites:
                    suites[row.suite].answer(row, strict=strict)
        for suite in suites.values():
            suite.finish(strict=strict)
        _write(suites, file)


def _names(report: Report) -> list[str]:
    """Of all suites, those without any record included."""
    decided = {decision.suite for decision in report.gate.suites} if report.gate else set()
    return sorted(decided | report.planned.keys() | {suite.name for suite in report.comparison.suites})


class _Suite:
    """A suite's test cases, written as they come, and counted: their numbers stand before them."""

    def __init__(self, name: str, report: Report, body: SpooledTemporaryFile[bytes]):
        figures = next((suite for suite in report.comparison.suites if suite.name == name), None)
        decision = report.gate.of(name) if report.gate else None
        self.name = name
        self.candidate = figures.pair.candidate if figures else decision.candidate if decision else ""
        self.several = any(row.records > row.cases for row in figures.rows) if figures else False
        self.planned = report.planned.get(name, {}).get(self.candidate, 0)
        self.answers = 0
        self.counts: Counter[Kind] = Counter()
        self.seconds = 0.0
        self.body = body
        self._xml = _generator(body)
        self.add(_gate(name, report.gate))

    def answer(self, row: Row, *, strict: bool) -> None:
        """Add a record, if it is the candidate's."""
        if row.variant == self.candidate:
            self.answers += 1
            self.add(_answer(row, several=self.several, strict=strict))

    def finish(self, *, strict: bool) -> None:
        """Say how many answers are missing, if any are."""
        if self.answers < self.planned:
            message = f"{self.planned - self.answers:,} of {self.planned:,} answers are missing"
            kind: Kind = "error" if strict else "skipped"
            self.add(JunitCase(f"{self.name}.{self.candidate}", "missing", kind, "missing", message))

    def add(self, case: JunitCase) -> None:
        """Write and count one."""
        _element(case, self._xml)
        self.counts[case.kind] += 1
        self.seconds += case.seconds or 0.0


def _gate(suite: str, gate: Decisions | None) -> JunitCase:
    if gate is None or gate.undecided:
        why = gate.undecided if gate and gate.undecided else "the run was made with --no-gate"
        return JunitCase(suite, "gate", "skipped", message=f"not gated: {why}")
    decision = gate.of(suite)
    return _decided(decision) if decision else JunitCase(suite, "gate", "skipped", message="not gated")


def _decided(decision: Decision) -> JunitCase:
    lenient = decision.word == "inconclusive" and decision.inconclusive_passes
    kinds: Mapping[str, Kind] = {"ship": "passed", "inconclusive": "skipped" if lenient else "failure"}
    message = f"{SPOKEN[decision.word]}: {decision.reason}"
    kind = kinds.get(decision.word, "failure")
    return JunitCase(decision.suite, "gate", kind, decision.word, message, decision.labels)


def _answer(row: Row, *, several: bool, strict: bool) -> JunitCase:
    name = f"{row.case}[{row.repeat}]" if several else row.case
    kind, type_, reasons = _ended(row, strict)
    got = (row.response.text or "(no text)") if row.response else ""
    return JunitCase(
        classname=f"{row.suite}.{row.variant}",
        name=name,
        kind=kind,
        type=type_,
        message=reasons[0] if reasons else "",
        details=(*reasons[1:], f"got: {got}") if reasons and got else (),
        seconds=_seconds(row),
    )


def _seconds(row: Row) -> float | None:
    """None of a cached answer: it took its time in another run."""
    found = row.latency_ms if row.answered and not row.cached else None
    return found / 1000 if found is not None and isfinite(found) else None


def _ended(row: Row, strict: bool) -> tuple[Kind, str, list[str]]:
    """How it ended, a word for it, and the reasons."""
    if row.error is not None:
        return "error" if strict else "skipped", row.error.type, [f"not asked: {row.error.message}"]
    if row.passed:
        return "passed", "", []
    if row.passed is None:
        return "error" if strict else "skipped", "undecided", _reasons(row, None) or ["no answer"]
    return "failure" if strict else "skipped", "not passed", _reasons(row, False)


def _reasons(row: Row, passed: bool | None) -> list[str]:
    return [f"{verdict.check}: {verdict.reason}" for verdict in row.verdicts if verdict.passed is passed]


def _write(suites: Mapping[str, _Suite], file: BinaryIO) -> None:
    xml = _generator(file)
    xml.startDocument()
    _start(xml, "testsuites", name="evalkit", **_head(suites.values()))
    for name, suite in suites.items():
        _start(xml, "testsuite", name=_shown(name), **_head([suite]))
        xml.characters("\n")  # ends the opening tag, before what is copied
        suite.body.seek(0)
        shutil.copyfileobj(suite.body, file)
        xml.endElement("testsuite")
    xml.endElement("testsuites")
    xml.endDocument()


def _head(suites: Iterable[_Suite]) -> dict[str, str]:
    counts: Counter[Kind] = Counter()
    seconds = 0.0
    for suite in suites:
        counts.update(suite.counts)
        seconds += suite.seconds
    ended = {name: str(counts[kind]) for name, kind in _COUNTS.items()}
    return {"tests": str(counts.total()), **ended, "time": f"{seconds:.3f}"}


def _element(case: JunitCase, xml: XMLGenerator) -> None:
    timed = {} if case.seconds is None else {"time": f"{case.seconds:.3f}"}
    _start(xml, "testcase", classname=_shown(case.classname), name=_shown(case.name), **timed)
    if case.kind != "passed":
        typed = (
            {"type": _shown(case.type)} if case.kind != "skipped" else {}
        )  # no reader knows the type of a skipped one
        _start(xml, case.kind, message=_shown(case.message), **typed)
        xml.characters("\n".join(map(_shown, case.details)))
        xml.endElement(case.kind)
    elif case.message:
        _start(xml, "system-out")
        xml.characters(_shown(case.message))
        xml.endElement("system-out")
    xml.endElement("testcase")
    xml.characters("\n")


def _start(xml: XMLGenerator, element: str, /, **attributes: str) -> None:
    xml.startElement(element, AttributesImpl(attributes))


def _generator(file: BinaryIO | SpooledTemporaryFile[bytes]) -> XMLGenerator:
    return XMLGenerator(file, encoding="utf-8", short_empty_elements=True)


def _shown(text: str) -> str:
    """XML can hold it: what has no shape of its own, NUL and half surrogates among it, is written out."""
    return printable(clip(text, LONGEST_TEXT))
