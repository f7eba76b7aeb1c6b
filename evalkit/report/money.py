"""The table of costs, and when a fine-tune has paid for itself, as every format shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from evalkit.comparison.money import Basis, Money
from evalkit.numbers import dollars
from evalkit.report.columns import columns
from evalkit.report.escape import clip, printable

TITLE = "What 1,000 calls cost, in USD, and what the model cost once"

FREE = "Nothing of this run costs money: its models run on this machine."

HEAD: Final = ("suite", "variant", "as measured", "no cache", "warm cache", "training")

Row = tuple[str, ...]


def table(money: Sequence[Money]) -> tuple[Row, tuple[Row, ...]]:
    """The head, and a row a suite and variant; the suite stands on its first row alone.

    Names are as they come: to be escaped by who shows them.
    """
    rows = []
    for suite in money:
        for number, cost in enumerate(suite.costs):
            figures = (cost.measured, cost.uncached, cost.warm, cost.training)
            rows.append(("" if number else suite.suite, cost.variant, *map(dollars, figures)))
    return HEAD, tuple(rows)


def remarks(money: Sequence[Money]) -> list[str]:
    """When each suite's candidate has paid for its training; and why figures are unknown."""
    found = [f"{suite.suite}: {pays(suite)}" for suite in money if suite.of(suite.candidate)]
    whys = (f"? {suite.suite}, {why}." for suite in money for cost in suite.costs for why in cost.why)
    return [*found, *dict.fromkeys(whys)]


def pays(money: Money) -> str:
    """`ft pays against prompted, training included, after 61,000 calls; with a warm prompt cache never`"""
    uncached, warm = _when(money, "uncached"), _when(money, "warm")
    also = "the same with a warm prompt cache" if uncached == warm else f"with a warm prompt cache {warm}"
    return f"{money.candidate} pays against {money.baseline}, training included, {uncached}; {also}."


def lines(money: Sequence[Money]) -> list[str]:
    """The table for a terminal, 100 columns wide, and sentences; one line where all is free, none without
    suites."""
    if not money:
        return []
    if all(suite.free for suite in money):
        return [FREE]
    head, rows = table(money)
    body = [
        (clip(printable(name), 24), clip(printable(variant), 20), *cells) for name, variant, *cells in rows
    ]
    shown = columns([("", "", *head[2:]), *body], "ll" + "r" * (len(head) - 2))
    return [f"{TITLE}:", *(f"  {line}" for line in shown.split("\n")), *map(printable, remarks(money))]


def _when(money: Money, basis: Basis) -> str:
    calls = money.even(basis)
    if calls is None:
        return "nobody can say when"
    if calls == "never":
        return "never: its calls cost as much, or more"
    days = money.days(basis)
    volume = f" ({days:,.1f} days at {money.calls_per_day:,.0f} a day)" if days is not None else ""
    return f"after {calls:,} calls{volume}" if calls else "from the first call on"
