"""What calls cost in all, over their number: where a fine-tune has paid for its training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from evalkit.comparison.money import Basis, Money, VariantCost
from evalkit.report.escape import printable
from evalkit.report.html.plots import SUITES_DRAWN, Look, Plot, not_drawn
from evalkit.report.html.svg import INK, LINES, drawing
from evalkit.report.model import Report
from evalkit.report.money import pays

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USUAL_CALLS = 100_000
"""How far a picture reaches where nothing pays for itself and no volume is stated."""

DAYS = 30
"""How far it reaches by a volume."""

MARKED = 0.8
"""Where along a line its variant's marker stands: away from the dots, half way."""

STYLES: Mapping[Basis, str] = {"warm": "-", "uncached": "--"}


def break_even_plots(report: Report) -> Iterator[Plot]:
    """A plot a suite; none of what is free."""
    looks = {row.variant: Look(number) for number, row in enumerate(report.comparison.total)}
    for money in report.money[:SUITES_DRAWN]:
        if not money.free:
            yield _plot(money, looks)


def _plot(money: Money, looks: Mapping[str, Look]) -> Plot:
    """A line a variant from its training cost on, solid with a warm prompt cache and dashed without any;
    a dot where the candidate has paid."""
    title = f"What calls cost in all: {printable(money.suite)}"
    known = [cost for cost in money.costs if cost.training is not None and cost.uncached is not None]
    unknown = not_drawn([printable(cost.variant) for cost in money.costs if cost not in known])
    if not known:
        return Plot(title, "", "No variant's price, tokens and training are all known.")
    last = _reach(money)

    def draw(axes: Axes) -> None:
        for cost in known:
            _lines(axes, cost, last, looks[cost.variant])
        for basis in STYLES:
            _dot(axes, money, basis)
        axes.set_xlim(0, last)
        axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.locator_params(axis="x", nbins=5)
        axes.set_xlabel("calls (dashed: without a prompt cache)")
        axes.set_ylabel("US dollars, training included")
        axes.grid(color=LINES, linewidth=0.5)

    return Plot(title, drawing(title, printable(pays(money)), 3.2, draw), pays(money), unknown)


def _lines(axes: Axes, cost: VariantCost, last: float, look: Look) -> None:
    start = cost.training or 0.0
    for basis, dashes in STYLES.items():
        if (per_1k := cost.by(basis)) is not None:
            usd = [start + calls * per_1k / 1000 for calls in (0, MARKED * last, last)]
            axes.plot((0, last), (usd[0], usd[2]), dashes, color=look.colour, linewidth=1.6)
            axes.plot((MARKED * last,), (usd[1],), look.marker, color=look.colour, markersize=5)


def _dot(axes: Axes, money: Money, basis: Basis) -> None:
    calls, candidate = money.even(basis), money.of(money.candidate)
    if isinstance(calls, int) and candidate and candidate.training is not None:
        per_1k = candidate.by(basis) or 0.0
        axes.plot((calls,), (candidate.training + calls * per_1k / 1000,), "o", color=INK, markersize=4)


def _reach(money: Money) -> float:
    """Twice the calls after which the candidate has paid, or a month of the stated volume."""
    found = [calls for basis in STYLES if isinstance(calls := money.even(basis), int) and calls]
    return 2 * max(found) if found else DAYS * (money.calls_per_day or USUAL_CALLS / DAYS)
