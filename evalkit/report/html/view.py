"""A report as the page's template reads it: figures as text, nothing left to decide."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evalkit.comparison import SuiteFigures, VariantFigures
from evalkit.gate import SPOKEN, Decision, Decisions, Floor
from evalkit.gate.words import floor_figure
from evalkit.numbers import difference, differences, points
from evalkit.report import arms, figures, money
from evalkit.report.escape import clip, printable
from evalkit.report.model import Report
from evalkit.report.verdict import STATES, Verdict, verdicts
from evalkit.stats import Interval

COLUMNS = (
    "passed", "95%", "form", "content", "null", "err", "prompt tokens", "cut", "answer tokens", "$/1,000",
    "p50/p95 ms",
)  # fmt: skip

MEANINGS = {
    "passed": "all checks of an answer passed",
    "95%": "95% Wilson interval of the pass rate, in percent",
    "form": "property checks alone",
    "content": "correctness checks alone",
    "null": "answers that were neither passed nor failed",
    "err": "cases that could not be asked",
    "cut": "prompt tokens against variant prompted",
    "$/1,000": "US dollars for 1,000 calls",
    "p50/p95 ms": "median and 95th percentile of the latency of answers that were not cached",
}

REASONS_SHOWN = 10
LONGEST_REASON = 300

NO_GATE = Verdict("NOT GATED", "", "No decision was asked for (--no-gate).")


@dataclass(frozen=True, slots=True)
class Line:
    """One variant's row of a table; `role` is "candidate", "baseline" or ""."""

    variant: str
    cells: tuple[str, ...]
    role: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """A suite's rows, or those of all suites, and what is to be said under them."""

    title: str
    cases: int
    lines: tuple[Line, ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A further table under the figures: its first `names` columns are names, the others figures.

    Without a head there is only the title to be said.
    """

    title: str
    head: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    remarks: tuple[str, ...] = ()
    names: int = 1


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite's verdict, and the decision behind it; None where nothing was decided."""

    verdict: Verdict
    decision: Decision | None


@dataclass(frozen=True, slots=True)
class View:
    """The page's upper half.

    Attributes:
        verdict: of the run, in one sentence.
        suites: in order; one a suite that was decided.
    """

    verdict: Verdict
    suites: tuple[Suite, ...]
    groups: tuple[Group, ...]
    variants: tuple[str, ...]
    tables: tuple[Table, ...] = ()


def view(report: Report) -> View:
    """All that the template shows, but for plots and cases."""
    found = list(verdicts(report.gate)) or [NO_GATE]
    decided = {decision.suite: decision for decision in report.gate.suites} if report.gate else {}
    suites = tuple(Suite(each, decided[each.suite]) for each in _of_suites(found, report.gate))
    return View(
        verdict=found[-1],
        suites=suites,
        groups=tuple(_groups(report)),
        variants=tuple(row.variant for row in report.comparison.total),
        tables=tuple(_tables(report)),
    )


def _of_suites(found: Sequence[Verdict], gate: Decisions | None) -> Sequence[Verdict]:
    """Without the last, where that is of all suites."""
    if gate is None or gate.undecided:
        return ()
    return found[: len(gate.suites)]


def _groups(report: Report) -> Iterator[Group]:
    suites = report.comparison.suites
    for suite in suites:
        yield Group(suite.name, _cases(suite.rows), _lines(suite.rows, suite), _remarks(suite))
    if len(suites) > 1:
        total = report.comparison.total
        yield Group("All suites", _cases(total), _lines(total), ())


def _tables(report: Report) -> Iterator[Table]:
    """What tuning and the prompt brought, and what calls cost."""
    if report.arms:
        yield Table(arms.TITLE, *arms.table(report.arms), tuple(arms.left_out(report.arms)))
    if report.money and all(suite.free for suite in report.money):
        yield Table(money.FREE)
    elif report.money:
        yield Table(money.TITLE, *money.table(report.money), tuple(money.remarks(report.money)), names=2)


def _cases(rows: Sequence[VariantFigures]) -> int:
    return max((row.cases for row in rows), default=0)


def _lines(rows: Sequence[VariantFigures], suite: SuiteFigures | None = None) -> tuple[Line, ...]:
    return tuple(
        # the latency is padded for columns of one width
        Line(
            row.variant,
            tuple(cell.replace("/ ", "/") for cell in figures.cells(row)),
            _role(row.variant, suite),
        )
        for row in rows
    )


def _role(variant: str, suite: SuiteFigures | None) -> str:
    if suite is None:
        return ""
    roles = {suite.pair.baseline: "baseline", suite.pair.candidate: "candidate"}
    return roles.get(variant, "")


def _remarks(suite: SuiteFigures) -> tuple[str, ...]:
    rows = suite.rows
    not_asked = (
        f"not asked: {clip(why, LONGEST_REASON)} ({count:,})"
        for why, count in figures.reasons(suite.errors, REASONS_SHOWN)
    )
    failed = (figures.failure_count(suite, row) for row in suite.watched if row.failed)
    return (
        *failed, *figures.oddities(rows), *figures.faults(rows), *figures.streams(rows),
        *figures.leak_lines(rows), *not_asked,
    )  # fmt: skip


def filters() -> dict[str, Callable[..., str]]:
    """What the template needs to write numbers and hostile text."""
    return {
        "shown": printable,
        "difference": difference,
        "points": points,
        "span": span,
        "spoken": SPOKEN.__getitem__,
        "state": STATES.__getitem__,
        "floor": required,
        "kind": kind,
        "meaning": lambda column: MEANINGS.get(column, ""),
    }


def span(interval: Interval | None) -> str:
    """`-1.2 to +7.4`, in percentage points."""
    return differences(interval) if interval else "not enough"


def required(value: float | None, floor: Floor) -> str:
    """In the unit of the requirement."""
    return "not enough" if value is None else floor_figure(floor, value)


def kind(word: str) -> str:
    """The class of a verdict's colours."""
    kinds = {spoken: word for word, spoken in SPOKEN.items()}
    return kinds.get(word, "not_gated")
