"""What calls cost in all, over their number, as a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.comparison.money import Basis, Money, VariantCost
from evalkit.tune.plot import svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

USUAL_CALLS = 100_000
"""How far the picture reaches where nothing pays for itself and no volume is stated."""

DAYS = 30
"""How far it reaches by a volume."""

STYLES: tuple[tuple[Basis, str, str], ...] = (("warm", "-", "warm cache"), ("uncached", "--", "no cache"))


def money_plot(money: Money) -> bytes | None:
    """An SVG of one suite: a line a variant from its training cost on, solid with a warm prompt cache and
    dashed without any, a dot where the candidate has paid. None where no variant's cost is known or all is
    free. Variants whose training cost is unknown are left out."""
    known = [cost for cost in money.costs if cost.training is not None and cost.uncached is not None]
    if not known or money.free:
        return None
    last = _reach(money)

    def draw(axes: Axes) -> None:
        for number, cost in enumerate(known):
            for label, dashes, per_1k in _lines(cost):
                ends = (cost.training or 0, (cost.training or 0) + last * per_1k / 1000)
                axes.plot((0, last), ends, dashes, color=f"C{number}", label=label)
        for basis, _, _ in STYLES:
            _dot(axes, money, basis)
        axes.set(xlabel="calls", ylabel="USD, training included", xlim=(0, last), ylim=(0, None))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        for text in axes.legend().get_texts():
            text.set_parse_math(False)  # a variant's name may hold dollar signs

    return svg(f"{money.suite}: what calls cost in all", draw)


def _lines(cost: VariantCost) -> list[tuple[str, str, float]]:
    """Label, style and USD for 1,000 calls; one line alone where the cache makes no difference."""
    if cost.warm == cost.uncached is not None:
        return [(cost.variant, "-", cost.uncached)]
    found = ((f"{cost.variant}, {name}", dashes, cost.by(basis)) for basis, dashes, name in STYLES)
    return [(label, dashes, usd) for label, dashes, usd in found if usd is not None]


def _dot(axes: Axes, money: Money, basis: Basis) -> None:
    calls, candidate = money.even(basis), money.of(money.candidate)
    if isinstance(calls, int) and candidate and candidate.training is not None:
        per_1k = candidate.by(basis) or 0.0
        axes.plot(calls, candidate.training + calls * per_1k / 1000, "o", color="black", markersize=5)


def _reach(money: Money) -> float:
    """Twice the calls after which the candidate has paid, or a month of the stated volume."""
    found = [calls for basis, _, _ in STYLES if isinstance(calls := money.even(basis), int) and calls]
    return 2 * max(found) if found else DAYS * (money.calls_per_day or USUAL_CALLS / DAYS)
