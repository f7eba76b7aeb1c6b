"""What `evalkit dataset check` prints for people, at most 100 columns wide where the texts allow."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from evalkit.dataset.check import Check, Size
from evalkit.dataset.distribution import Distribution
from evalkit.dataset.finding import ERRORS, WARNINGS, Finding
from evalkit.dataset.notebook import DEFAULT_MODEL
from evalkit.report.escape import clip, printable
from evalkit.tokens import without_encoding

WIDTH = 100
BAR = 40
MESSAGES_SHOWN = 4


def report(check: Check) -> str:
    """The whole text: the file, its first example, the findings, the figures, the sum."""
    sections = (_heading(check), _first(check.first), _findings(check), _script(check), _figures(check))
    return "\n\n".join(text for section in sections if (text := "\n".join(section))) + f"\n\n{_ending(check)}"


def _heading(check: Check) -> Iterator[str]:
    forms = ", ".join(f"{count:,} {form}" for form, count in check.forms.items())
    yield printable(f"{check.path}: {_plural(check.examples, 'example')}{f' ({forms})' if forms else ''}")
    limit = "no known limit" if check.token_limit is None else f"{check.token_limit:,} tokens an example"
    why = ",\nas OpenAI's script counts; --model M counts for another" if check.model == DEFAULT_MODEL else ""
    yield f"counted for {printable(check.model)} ({check.encoding or 'encoding unknown'}, {limit}){why}"


def _first(example: Any) -> Iterator[str]:
    messages = example.get("messages") if isinstance(example, dict) else None
    if isinstance(messages, list) and messages:
        yield "First example:"
        for message in messages[:MESSAGES_SHOWN]:
            yield f"  {clip(printable(_said(message)), WIDTH - 2)}"
        if len(messages) > MESSAGES_SHOWN:
            yield f"  … and {len(messages) - MESSAGES_SHOWN} more messages"


def _said(message: Any) -> str:
    """`user: Hello`; whatever is not written so, as Python shows it."""
    if isinstance(message, dict) and isinstance(message.get("content"), str):
        return f"{message.get('role')}: {message['content']}"
    return repr(message)[: 2 * WIDTH]


def _findings(check: Check) -> Iterator[str]:
    for rules, kind in ((ERRORS, "error"), (WARNINGS, "warning")):
        for rule in rules:
            if count := check.counts.get(rule):
                title = f"{kind:7}  {rule} ({count:,}): {rules[rule]}"
                yield textwrap.fill(title, WIDTH, subsequent_indent=" " * 9)
                kept = [finding for finding in check.findings if finding.rule == rule]
                yield from map(_finding, kept)
                if count > len(kept):
                    yield f"           … and {count - len(kept):,} more{_where_more(len(kept))}"


def _where_more(kept: int) -> str:
    return "; -v shows all" if kept < 1000 else ""


def _finding(finding: Finding) -> str:
    place = f"line {finding.line}" if finding.line else "the file"
    place += f", column {finding.column}" if finding.column else ""
    text = printable(f"{place}: {finding.message}; {finding.remedy}")
    return textwrap.fill(text, WIDTH, initial_indent=" " * 11, subsequent_indent=" " * 13)


def _script(check: Check) -> Iterator[str]:
    errors = ", ".join(f"{name}: {count:,}" for name, count in check.script.errors.items())
    text = f"OpenAI's script of 2023: {errors or 'no errors'}"
    if check.script.stop:
        line, why = check.script.stop
        text += (
            f"; it ends with an exception at line {line} ({printable(why)}): the figures below are evalkit's"
        )
    yield textwrap.fill(text, WIDTH, subsequent_indent="  ")


def _figures(check: Check) -> Iterator[str]:
    yield f"Num examples: {check.examples}"
    yield f"Num examples missing system message: {check.without_system}"
    yield f"Num examples missing user message: {check.without_user}"
    if check.messages:
        yield from _spread("num_messages_per_example", check.messages)
    if check.size:
        yield from _spread("num_total_tokens_per_example", check.size.tokens)
        yield from _spread("num_assistant_tokens_per_example", check.size.assistant)
        yield from _billing(check, check.size)
    elif check.examples and check.encoding is None:
        text = f"Tokens: unknown. {printable(without_encoding(check.model))}"
        yield "\n" + textwrap.fill(text, WIDTH, subsequent_indent="  ", break_long_words=False)


def _spread(name: str, spread: Distribution) -> Iterator[str]:
    yield f"\nDistribution of {name}:"
    yield f"  min / max: {spread.minimum}, {spread.maximum}"
    yield f"  mean / median: {spread.mean}, {spread.median}"
    low, high = spread.quantile(0.1), spread.quantile(0.9)
    yield f'  0.1 / 0.9 quantile (the script\'s "p5 / p95"): {low}, {high}'
    yield from _histogram(spread)


def _histogram(spread: Distribution) -> Iterator[str]:
    """A bar for each range of values, none where all are equal; whoever has any has at least a sliver."""
    bins = spread.bins()
    if len(bins) == 1:
        return
    most, width = max(count for _, _, count in bins), len(f"{spread.maximum:,}")
    for first, last, count in bins:
        values = f"{first:{width},}" + (f" - {last:{width},}" if bins[0][1] > bins[0][0] else "")
        bar = "█" * round(BAR * count / most) or ("▏" if count else "")
        yield f"  {values}  {bar}{' ' if bar else ''}{count:,}"


def _billing(check: Check, size: Size) -> Iterator[str]:
    limit = check.token_limit
    yield ""
    if limit is not None:
        over = _plural(size.over_limit, "example")
        yield f"{over} over the {limit:,} token limit: what is over is cut off in training"
    yield f"~{size.billed} billed tokens in an epoch; {check.epochs} epochs, where none are named"
    yield f"~{check.epochs * size.billed} charged tokens"
    if size.tools:
        yield f"and about {size.tools:,} tokens of tools' declarations an epoch, which the script leaves out"


def _ending(check: Check) -> str:
    count = f"{_plural(check.errors, 'error')}, {_plural(check.warnings, 'warning')}"
    if check.errors:
        return f"{count}: the file cannot be used as it is"
    return f"{count}: {'the file can be used' if check.warnings else 'no fault found'}"


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
