"""report.md: the same figures for a pull request or a wiki."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from tabulate import tabulate

from evalkit.comparison import FailedCase, SuiteFigures, VariantFigures
from evalkit.gate import Decision
from evalkit.report import arms, figures, money
from evalkit.report.escape import clip, markdown_code, markdown_text
from evalkit.report.heading import Asked
from evalkit.report.model import Report
from evalkit.report.verdict import Verdict, evidence, verdicts

REASONS_SHOWN = 20
LONGEST_CELL = 300

_COLUMNS = (
    "variant", "passed", "95%", "form", "content", "null", "err", "prompt tokens", "cut", "answer tokens",
    "$/1,000", "p50/p95 ms", "refused", "filtered", "truncated", "tool calls",
)  # fmt: skip


def markdown(report: Report) -> str:
    """The whole report; everything that a model, a server or a suite wrote is escaped."""
    return "\n".join(_lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield from (f"# Run {markdown_text(report.run)}", "")
    yield from _bold(verdicts(report.gate))
    yield from (_asked(report.asked), "", f"Plan: {markdown_text(report.plan)}", "")
    for suite in report.comparison.suites:
        yield from (f"## {markdown_text(suite.name)}", "", _figures(suite.rows), "")
        yield from _decision(report.gate.of(suite.name) if report.gate else None)
        yield from _bullets([*figures.faults(suite.rows), *figures.streams(suite.rows)])
        yield from _bullets(figures.leak_lines(suite.rows))
        yield from (f"- not asked: {markdown_code(why)} ({count:,})" for why, count in _errors(suite))
        yield from _failures(suite)
    if len(report.comparison.suites) > 1:
        yield from ("## All suites", "", _figures(report.comparison.total), "")
    yield from _arms(report)
    yield from _money(report)
    yield from ("## Notes", "", *_bullets(_notes(report)))


def _bold(found: Iterable[Verdict]) -> Iterator[str]:
    """The verdicts, a line each."""
    for verdict in found:
        name = f" {markdown_text(verdict.suite)}:" if verdict.suite else ""
        yield from (f"**{markdown_text(verdict.word)}**{name} {markdown_text(verdict.reason)}", "")


def _decision(decision: Decision | None) -> Iterator[str]:
    """What was shown of each check, and of what the suite requires."""
    if decision is None:
        return
    head = ("check", "difference", "interval", "won", "lost", "shown")
    rows = [
        [markdown_text(shown.name), *shown.cells, markdown_text(shown.state)] for shown in evidence(decision)
    ]
    yield from (_table(head, rows, "lrrrrl"), "")


def _arms(report: Report) -> Iterator[str]:
    if report.arms:
        head, rows = arms.table(report.arms)
        cells = [[markdown_text(name), *effects] for name, *effects in rows]
        yield from ("## Tuning and the prompt", "", f"{arms.TITLE}:", "")
        yield from (_table(head, cells, "l" + "r" * (len(head) - 1)), "")
        yield from _bullets(arms.left_out(report.arms))


def _money(report: Report) -> Iterator[str]:
    if not report.money:
        return
    yield from ("## Cost", "")
    if all(suite.free for suite in report.money):
        yield from (money.FREE, "")
        return
    head, rows = money.table(report.money)
    cells = [[*map(markdown_text, (suite, variant)), *costs] for suite, variant, *costs in rows]
    yield from (f"{money.TITLE}:", "", _table(head, cells, "ll" + "r" * (len(head) - 2)), "")
    yield from _bullets(money.remarks(report.money))


def _notes(report: Report) -> tuple[str, ...]:
    return (*report.notes, f"{report.remedy}.") if report.remedy else report.notes


def _asked(asked: Sequence[Asked]) -> str:
    rows = [
        [
            markdown_text(", ".join(line.variants)),
            *map(markdown_code, (line.model, line.host)),
            markdown_text(line.key),
        ]
        for line in asked
    ]
    return _table(("variant", "model", "asked at", "key"), rows, "llll")


def _figures(rows: Sequence[VariantFigures]) -> str:
    return _table(_COLUMNS, [_row(row) for row in rows], "l" + "r" * (len(_COLUMNS) - 1))


def _row(row: VariantFigures) -> list[str]:
    return [
        markdown_text(row.variant),
        *figures.cells(row),
        *(str(count) for count in (row.refused, row.filtered, row.truncated, row.tool_calls)),
    ]


def _bullets(lines: Sequence[str]) -> list[str]:
    return [*(f"- {markdown_text(line)}" for line in lines), ""] if lines else []


def _errors(suite: SuiteFigures) -> list[tuple[str, int]]:
    return [(clip(why, LONGEST_CELL), count) for why, count in figures.reasons(suite.errors, REASONS_SHOWN)]


def _failures(suite: SuiteFigures) -> Iterator[str]:
    for row in suite.watched:
        first = suite.failures_of(row.variant)
        if first:
            listed = f"; the first {len(first)}" if row.failed > len(first) else ""
            yield from (f"{markdown_text(figures.failure_count(suite, row))}{listed}:", "")
            rows = [_failure(failure) for failure in first]
            yield from (_table(("", "case", "check", "why", "what came"), rows, "lllll"), "")


def _failure(failure: FailedCase) -> list[str]:
    return [
        "new" if failure.new else "",
        markdown_code(failure.case),
        markdown_text(", ".join((failure.check, *failure.also))),
        markdown_code(clip(failure.reason, LONGEST_CELL)),
        markdown_code(clip(failure.got, LONGEST_CELL)),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], align: str) -> str:
    sides = {"l": "left", "r": "right"}
    colalign = [sides[side] for side in align] if rows else None
    return tabulate(rows, head, tablefmt="pipe", colalign=colalign, disable_numparse=True)
