"""The figures of a table, and the sentences under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from evalkit.comparison import SuiteFigures, VariantFigures
from evalkit.numbers import UNKNOWN, dollars, interval, percent, whole
from evalkit.report.escape import printable


def cells(row: VariantFigures) -> tuple[str, ...]:
    """A row of the table after its name: the columns that every format shows."""
    return (
        percent(row.passed),
        interval(row.passed),
        percent(row.form),
        percent(row.content),
        str(row.unknown),
        str(row.errors),
        whole(row.prompt_tokens),
        cut(row),
        whole(row.completion_tokens),
        dollars(row.cost_per_1k),
        latency(row),
    )


def cut(row: VariantFigures) -> str:
    """`-89%`: prompt tokens against variant `prompted`; empty for base, which is not to take its place."""
    return "" if row.tokens_change is None or row.variant == "base" else f"{row.tokens_change:+.0%}"


def latency(row: VariantFigures) -> str:
    """`640/1020`: median and 95th percentile in ms; `cached` where nothing was asked anew."""
    if row.latency_p50_ms is None or row.latency_p95_ms is None:
        return "cached" if row.cached else UNKNOWN
    return f"{row.latency_p50_ms:.0f}/{row.latency_p95_ms:4.0f}"


def oddities(rows: Sequence[VariantFigures]) -> list[str]:
    """What models did in place of a whole text, as far as they did: `cut off at max_tokens: base 5, ft 1`."""
    return _counted(
        rows,
        refused="refused",
        filtered="filtered",
        truncated="cut off at max_tokens",
        tool_calls="called a tool where text was due",
    )


def faults(rows: Sequence[VariantFigures]) -> list[str]:
    """What went wrong on the way to the models, as far as it did: `asked again after a fault: ft 3`."""
    return _counted(
        rows,
        retries="asked again after a fault",
        possibly_billed="possibly billed without an answer",
        judge_possibly_billed="possibly billed without an answer, by the judge",
    )


def _counted(rows: Sequence[VariantFigures], **columns: str) -> list[str]:
    """A line for each column that is not 0 throughout: its words, and the variants' counts."""
    found = {words: [(row.variant, getattr(row, name)) for row in rows] for name, words in columns.items()}
    return [
        f"{words}: {', '.join(f'{printable(variant)} {count:,}' for variant, count in counts if count)}"
        for words, counts in found.items()
        if any(count for _, count in counts)
    ]


def streams(rows: Sequence[VariantFigures]) -> list[str]:
    """`first token after, then tokens/s (p50): base 180 ms, 42; ft 95 ms, 88`; nothing without streams."""
    found = [
        f"{printable(row.variant)} {row.ttft_p50_ms:.0f} ms, {whole(row.tokens_per_s)}/s"
        for row in rows
        if row.ttft_p50_ms is not None
    ]
    return [f"first token after (p50), tokens from then on: {'; '.join(found)}"] if found else []


def reasons(errors: Mapping[str, int], shown: int) -> list[tuple[str, int]]:
    """The most frequent reasons with their numbers; the others together."""
    listed = list(errors.items())
    rest = sum(count for _, count in listed[shown:])
    return [*listed[:shown], *([(f"{len(listed) - shown} other reasons", rest)] if rest else [])]


def failure_count(suite: SuiteFigures, row: VariantFigures) -> str:
    """`17 ft failures, 9 new (prompted passed)`, of one of the suite's variants."""
    new = suite.new_failures if row.variant == suite.pair.candidate else 0
    news = f", {new:,} new ({printable(suite.pair.baseline)} passed)" if new else ""
    return f"{row.failed:,} {printable(row.variant)} failure{'s' if row.failed != 1 else ''}{news}"


def leak_lines(rows: Sequence[VariantFigures]) -> list[str]:
    """What passed of the cases that do not stand in the training data, and of those that do, by variant."""
    lines = [
        f"{printable(row.variant)} {percent(row.leaks.clean)} ({interval(row.leaks.clean)}) of "
        f"{row.leaks.clean.n}, {percent(row.leaks.leaked)} of {row.leaks.leaked.n}"
        for row in rows
        if row.leaks
    ]
    if not lines:
        return []
    leaked, cases = max(row.leaks.cases for row in rows if row.leaks), max(row.cases for row in rows)
    return [
        f"{leaked} of {cases} cases stand in the training data; passed of the others, and of them:",
        *lines,
    ]
