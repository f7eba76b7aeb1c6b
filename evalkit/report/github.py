"""What GitHub shows of a run: the job summary, and annotations."""

from __future__ import annotations

import re
from collections.abc import Iterator

from evalkit.gate import SPOKEN, Decision
from evalkit.report.escape import clip, printable
from evalkit.report.markdown import markdown
from evalkit.report.model import Report

SUMMARY_BYTES = 1024 * 1024
"""What GitHub takes of a step's summary; of a longer one it shows nothing."""

ANNOTATIONS_SHOWN = 10
"""Of each level, by step: GitHub drops the others."""

LONGEST_MESSAGE = 1000

_CUT = "\n\n*Cut here: GitHub shows 1 MiB at most. report.md in the run's folder has all.*\n"
_COMMAND = re.compile(r"^(\s*)::|##\[", re.MULTILINE)


def github_summary(report: Report, room: int = SUMMARY_BYTES) -> str:
    """report.md, verdicts first, in at most `room` bytes of UTF-8."""
    text = markdown(report)
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= room:
        return data.decode()
    whole_lines = data[: max(0, room - len(_CUT.encode()))].rpartition(b"\n")[0]
    return whole_lines.decode() + _CUT if whole_lines else ""


def github_annotations(report: Report) -> Iterator[str]:
    """A workflow command for each decision, the weightiest first, and for each suite with unasked cases."""
    found = [*_decisions(report), *_unasked(report)]
    for level in ("error", "warning", "notice"):
        of_level = [told for told in found if told[0] == level]
        shown = of_level if len(of_level) <= ANNOTATIONS_SHOWN else of_level[: ANNOTATIONS_SHOWN - 1]
        yield from (_command(*told) for told in shown)
        if left := len(of_level) - len(shown):
            yield _command(level, "evalkit", f"{left} more: see the job summary")


def defused(text: str) -> str:
    """The text with nothing in it that a GitHub runner takes for a workflow command.

    A runner takes a line for one that begins, blanks aside, with `::`, or that has `##[` anywhere.
    """
    return _COMMAND.sub(lambda found: f"{found[1]}:\\:" if found[1] is not None else "##\\[", text)


def _decisions(report: Report) -> Iterator[tuple[str, str, str]]:
    """Level, title and message."""
    if report.gate is None:
        return
    if report.gate.undecided:
        yield "warning", "evalkit: not gated", report.gate.undecided
    for decision in report.gate.suites:
        title = f"evalkit: {SPOKEN[decision.word]} {decision.suite}"
        yield _level(decision), title, " ".join((decision.reason, *decision.labels))


def _level(decision: Decision) -> str:
    if decision.word == "inconclusive" and decision.inconclusive_passes:
        return "warning"
    return "notice" if decision.word == "ship" else "error"


def _unasked(report: Report) -> Iterator[tuple[str, str, str]]:
    for suite in report.comparison.suites:
        if count := sum(suite.errors.values()):
            first = next(iter(suite.errors))
            yield "warning", f"evalkit: {suite.name}", f"{count:,} answers did not come: {first}"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_property(title)}::{_data(message)}"


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _data(text: str) -> str:
    """On one line, `%` and line ends written as a runner reads them."""
    shown = clip(printable(text), LONGEST_MESSAGE)
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")
