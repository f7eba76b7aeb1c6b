"""A run as plain text, 100 columns wide, to be read on a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence

from evalkit.comparison import FailedCase, SuiteFigures, VariantFigures
from evalkit.gate import Decisions
from evalkit.numbers import percent
from evalkit.report import arms, figures, money
from evalkit.report.columns import columns
from evalkit.report.escape import clip, printable
from evalkit.report.model import Report
from evalkit.report.verdict import verdicts

WIDTH = 100
NOTHING = "(no text)"
REASONS_SHOWN = 5
LEAST_ROOM = 20
"""Columns that must be left for an answer to be begun on a failure's line."""

_HEAD = (
    ("", "", "", "", "", "", "", "prompt", "", "answer", "", ""),
    (
        "",
        "passed",
        "95%",
        "form",
        "content",
        "null",
        "err",
        "tokens",
        "cut",
        "tokens",
        "$/1,000",
        "p50/p95 ms",
    ),
)


def terminal(report: Report, verbosity: int = 0) -> str:
    """The tables, the failures of each suite's candidate, and the notes, without the heading.

    Args:
        report: of one suite or several.
        verbosity: below 0 only counts failures, above 0 lists more and adds a rate for each check.
    """
    notes = (textwrap.fill(printable(note), WIDTH) for note in report.notes)
    return "\n".join([*_body(report, verbosity), *_foot(report), *notes])


def _body(report: Report, verbosity: int) -> Iterable[str]:
    suites = len(report.comparison.suites)
    if not suites:
        return ("No records yet.", "")
    return _alone(report, verbosity) if suites == 1 else _together(report, verbosity)


def _foot(report: Report) -> Iterator[str]:
    for lines in (arms.lines(report.arms), money.lines(report.money)):
        yield from _paragraph([part for line in lines for part in textwrap.wrap(line, WIDTH)])


def _alone(report: Report, verbosity: int) -> Iterator[str]:
    (suite,) = report.comparison.suites
    head, (body,) = _figures([suite.rows])
    yield from (_over(_title(suite), head[0]), head[1], *body, "")
    yield from _paragraph(_remarks(suite.rows))
    yield from _paragraph(verdict_lines(report.gate))
    yield from _details(suite, verbosity, listed=10)


def _together(report: Report, verbosity: int) -> Iterator[str]:
    """One table with all suites, each named once, and `all` below; then their failures."""
    suites, total = report.comparison.suites, report.comparison.total
    head, bodies = _figures([*(suite.rows for suite in suites), total])
    titles = [*map(_title, suites), f"all   {_cases(total)}"]
    yield from (f"  {line}" for line in head)
    for title, body in zip(titles, bodies, strict=True):
        yield from (title, *(f"  {line}" for line in body))
    yield ""
    yield from _paragraph(_remarks(total))
    yield from _paragraph(verdict_lines(report.gate))
    for suite in suites:
        if verbosity > 0:
            yield from _paragraph([_title(suite), *_remarks(suite.rows)])
        yield from _details(suite, verbosity, listed=3)


def verdict_lines(gate: Decisions | None) -> list[str]:
    """The decisions, wrapped: the word, the suite where there are several, and the reason."""
    found = list(verdicts(gate))
    words = max((len(verdict.word) for verdict in found), default=0)
    names = max((len(printable(verdict.suite)) for verdict in found), default=0) if len(found) > 1 else 0
    lines = []
    for verdict in found:
        name = f"{printable(verdict.suite):{names}}  " if names else ""
        head = f"{verdict.word:{words}}  {name}"
        body = textwrap.wrap(printable(verdict.reason), WIDTH - len(head))
        lines += [head + body[0], *(" " * len(head) + line for line in body[1:])]
    return lines


def _details(suite: SuiteFigures, verbosity: int, listed: int) -> Iterator[str]:
    """What stands under a suite's table."""
    yield from _paragraph(figures.leak_lines(suite.rows))
    yield from _paragraph(_errors(suite))
    if verbosity > 0:
        yield from _paragraph(_check_rates(suite))
    for row in suite.watched:
        yield from _paragraph(_failures(suite, row, verbosity, listed))


def _remarks(rows: Sequence[VariantFigures]) -> list[str]:
    found = [*figures.oddities(rows), *figures.faults(rows), *figures.streams(rows)]
    return [line for remark in found for line in textwrap.wrap(remark, WIDTH)]


def _errors(suite: SuiteFigures) -> list[str]:
    found = figures.reasons(suite.errors, REASONS_SHOWN)
    return [f"not asked: {clip(printable(why), 2 * WIDTH)} ({count:,})" for why, count in found]


def _paragraph(lines: Sequence[str]) -> list[str]:
    return [*lines, ""] if lines else []


def _title(suite: SuiteFigures) -> str:
    return f"{printable(suite.name)}   {_cases(suite.rows)}"


def _cases(rows: Sequence[VariantFigures]) -> str:
    cases, records = max(row.cases for row in rows), max(row.records for row in rows)
    repeats = f", {records} answers a variant" if records > cases else ""
    return f"{cases} case{'s' if cases != 1 else ''}{repeats}"


def _over(title: str, line: str) -> str:
    """The title on the header's first line where that is still blank, else above it."""
    if line[: len(title) + 2].strip():
        return f"{title}\n{line}"
    return title + line[len(title) :]


def _figures(groups: Sequence[Sequence[VariantFigures]]) -> tuple[list[str], list[list[str]]]:
    """Two header lines, and the lines of each group, in columns that fit all groups."""
    rows = [_row(row) for group in groups for row in group]
    lines = columns([*_HEAD, *rows], "l" + "r" * 11).split("\n")
    rest = iter(lines[2:])
    return lines[:2], [[next(rest) for _ in group] for group in groups]


def _row(row: VariantFigures) -> tuple[str, ...]:
    return clip(printable(row.variant), 20), *figures.cells(row)


def _check_rates(suite: SuiteFigures) -> list[str]:
    """How often each check passed, a column a variant."""
    names = list(dict.fromkeys(name for row in suite.rows for name in row.checks))
    head = ["check", *(printable(row.variant) for row in suite.rows)]
    rows = [[printable(name), *(percent(row.checks.get(name)) for row in suite.rows)] for name in names]
    return columns([head, *rows], "l" + "r" * len(suite.rows)).split("\n")


def _failures(suite: SuiteFigures, row: VariantFigures, verbosity: int, listed: int) -> list[str]:
    """How many cases of a variant failed, and the first of them, new ones before others."""
    if not row.failed:
        return []
    title = f"{printable(suite.name)}: {figures.failure_count(suite, row)}"
    if verbosity < 0:
        return [title]
    known = suite.failures_of(row.variant)
    shown = known if verbosity > 0 else known[:listed]
    further = "-v lists more, " if len(known) > len(shown) else ""
    left = row.failed - len(shown)
    more = [f" … and {left:,} more: {further}records.jsonl has all"] if left else []
    return [f"{title}:", *_failure_lines(shown, verbosity), *more]


def _failure_lines(failed: Sequence[FailedCase], verbosity: int) -> Iterator[str]:
    """A line each: what was wanted and why it failed, then what came as far as there is room."""
    places = columns([_failure_place(failure) for failure in failed], "lll").split("\n")
    for failure, place in zip(failed, places, strict=True):
        why, got = printable(failure.reason), f"got: {printable(failure.got) or NOTHING}"
        line = f" {place}  {why}"
        if verbosity > 0:
            yield from (clip(line, 2 * WIDTH), clip(f"      {got}", 2 * WIDTH))
        else:
            yield clip(f"{line}  {got}" if len(line) < WIDTH - LEAST_ROOM else line, WIDTH)


def _failure_place(failure: FailedCase) -> tuple[str, str, str]:
    others = f" +{len(failure.also)}" if failure.also else ""
    case, check = clip(printable(failure.case), 24), clip(printable(failure.check), 20)
    return "new" if failure.new else "", case, f"{check}{others}"
