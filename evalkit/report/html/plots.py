"""What is drawn of a run, and why something is not."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.comparison import Comparison, VariantFigures
from evalkit.numbers import dollars, interval, percent, whole
from evalkit.report.escape import clip, printable
from evalkit.report.html.svg import INK, LINES, MARKERS, SERIES, SMALL, drawing

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUITES_DRAWN = 24
"""More would not be read; the table has all."""

LONGEST_NAME = 24

QUANTILES = 100
"""Points of a distribution's line."""


@dataclass(frozen=True, slots=True)
class Plot:
    """One figure of the page.

    Attributes:
        svg: an element; "" where nothing could be drawn.
        told: what is to be seen, or why nothing is.
        left_out: what is unknown and therefore missing in it.
    """

    title: str
    svg: str
    told: str
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A variant's place among the variants, which gives it colour and marker."""

    number: int

    @property
    def colour(self) -> str:
        """A stand-in for the page's own."""
        return SERIES[self.number % len(SERIES)]

    @property
    def marker(self) -> str:
        """As matplotlib names it."""
        return MARKERS[self.number % len(MARKERS)]


def plots(
    comparison: Comparison, latency_ms: Mapping[str, array[float]], fine_tunes: Mapping[str, Any]
) -> Iterator[Plot]:
    """All that there is data for, or the reason why there is not.

    Args:
        latency_ms: by variant, of answers that were not cached.
        fine_tunes: as in run.json; what has `losses` is drawn.
    """
    looks = {row.variant: Look(number) for number, row in enumerate(comparison.total)}
    if not looks:
        return
    yield _pass_rates(comparison, looks)
    yield _costs(comparison.total, looks)
    yield _latency(latency_ms, looks)
    yield _tokens(comparison.total, looks)
    yield from _losses(fine_tunes)


def _name(text: str) -> str:
    return clip(printable(text), LONGEST_NAME)


def _pass_rates(comparison: Comparison, looks: Mapping[str, Look]) -> Plot:
    """A row a suite, in it a point a variant with its interval."""
    title = "Pass rate by suite, with 95% intervals"
    suites = comparison.suites[:SUITES_DRAWN]
    step = 0.8 / max(1, len(looks))

    def draw(axes: Axes) -> None:
        for at, suite in enumerate(suites):
            for row in suite.rows:
                look = looks[row.variant]
                place = at + step * (look.number - (len(looks) - 1) / 2)
                _point(axes, row, place, look)
        axes.set_yticks(range(len(suites)), [_name(suite.name) for suite in suites])
        axes.set_ylim(len(suites) - 0.5, -0.5)
        axes.set_xlim(-2, 102)
        axes.set_xlabel("passed, %")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=LINES, linewidth=0.5)
        for at in range(1, len(suites)):
            axes.axhline(at - 0.5, color=LINES, linewidth=0.5)

    told = "; ".join(
        f"{printable(suite.name)}: "
        + ", ".join(
            f"{printable(row.variant)} {percent(row.passed)} ({interval(row.passed)})" for row in suite.rows
        )
        for suite in suites
    )
    unknown = [
        f"{printable(row.variant)} in {printable(suite.name)}"
        for suite in suites
        for row in suite.rows
        if row.passed.share is None
    ]
    more = len(comparison.suites) - len(suites)
    left = [*(f"{more} more suites" for _ in range(more > 0)), *unknown]
    high = 0.8 + len(suites) * max(0.3, 0.13 * len(looks))
    return Plot(title, drawing(title, told, high, draw), told, not_drawn(left))


def _point(axes: Axes, row: VariantFigures, place: float, look: Look) -> None:
    share, ends = row.passed.share, row.passed.interval
    if share is None:
        return
    if ends:
        axes.hlines(place, 100 * ends.low, 100 * ends.high, color=look.colour, linewidth=1.6)
    axes.plot([100 * share], [place], look.marker, color=look.colour, markersize=4.5)


def _costs(rows: Sequence[VariantFigures], looks: Mapping[str, Look]) -> Plot:
    """Cost to the right, pass rate upwards: what is up and to the left is better."""
    title = "Cost of 1,000 calls against pass rate"
    known = [(row, row.cost_per_1k, row.passed.share) for row in rows]
    drawn = [(row, cost, share) for row, cost, share in known if cost is not None and share is not None]
    unknown = [printable(row.variant) for row, cost, share in known if cost is None or share is None]
    if not any(cost for _, cost, _ in drawn):
        why = "No answer cost anything." if drawn else "No variant's cost and pass rate are both known."
        return Plot(title, "", why, not_drawn(unknown) if drawn else "")

    def draw(axes: Axes) -> None:
        for row, cost, share in drawn:
            look, ends = looks[row.variant], row.passed.interval
            if ends:
                axes.vlines(cost, 100 * ends.low, 100 * ends.high, color=look.colour, linewidth=1.6)
            axes.plot([cost], [100 * share], look.marker, color=look.colour, markersize=6)
            axes.annotate(
                _name(row.variant), (cost, 100 * share), (6, 4), textcoords="offset points", fontsize=SMALL
            )
        axes.set_xlim(0, 1.25 * max(cost for _, cost, _ in drawn))
        axes.set_ylim(-2, 102)
        axes.set_xlabel("US dollars for 1,000 calls")
        axes.set_ylabel("passed, %")
        axes.grid(color=LINES, linewidth=0.5)

    told = "; ".join(
        f"{printable(row.variant)}: ${dollars(cost)}, {percent(row.passed)} passed" for row, cost, _ in drawn
    )
    return Plot(title, drawing(title, told, 3.2, draw), told, not_drawn(unknown))


def _latency(latency_ms: Mapping[str, array[float]], looks: Mapping[str, Look]) -> Plot:
    """The share of answers that had come by a time."""
    title = "Latency: share of answers that had come"
    drawn = {name: latency_ms[name] for name in looks if latency_ms.get(name)}
    left = [printable(name) for name in looks if name not in drawn]
    if not drawn:
        return Plot(title, "", "No answer was asked for anew, so no latency was measured.")
    lines = {name: _quantiles(values) for name, values in drawn.items()}

    def draw(axes: Axes) -> None:
        shares = [100 * at / QUANTILES for at in range(QUANTILES + 1)]
        for name, values in lines.items():
            axes.plot(values, shares, color=looks[name].colour, linewidth=1.6)
            middle = QUANTILES // 2
            axes.plot(
                [values[middle]], [shares[middle]], looks[name].marker, color=looks[name].colour, markersize=5
            )
        axes.set_xlim(left=0)
        axes.set_ylim(0, 102)
        axes.set_xlabel("milliseconds (marked: the median)")
        axes.set_ylabel("answers, %")
        axes.grid(color=LINES, linewidth=0.5)

    told = "; ".join(
        f"{printable(name)}: half within {values[QUANTILES // 2]:,.0f} ms, 95% within {values[95]:,.0f} ms"
        for name, values in lines.items()
    )
    return Plot(title, drawing(title, told, 3.2, draw), told, not_drawn(left))


def _quantiles(values: array[float]) -> list[float]:
    import numpy as np

    return [float(value) for value in np.quantile(np.array(values), np.linspace(0, 1, QUANTILES + 1))]


def _tokens(rows: Sequence[VariantFigures], looks: Mapping[str, Look]) -> Plot:
    """A bar a variant: what is sent, then what comes."""
    title = "Tokens of a call: prompt (filled), answer"
    counted = [(row, row.prompt_tokens, row.completion_tokens) for row in rows]
    drawn = [(row, sent, came) for row, sent, came in counted if sent is not None and came is not None]
    unknown = [printable(row.variant) for row, sent, came in counted if sent is None or came is None]
    if not drawn:
        return Plot(title, "", "The servers did not count tokens.")

    def draw(axes: Axes) -> None:
        for at, (row, sent, came) in enumerate(drawn):
            colour = looks[row.variant].colour
            axes.barh(at, sent, 0.56, color=colour)
            axes.barh(at, came, 0.56, left=sent, color="none", edgecolor=colour, linewidth=1.2)
            axes.annotate(
                f"{sent:.0f} + {came:.0f}", (sent + came, at), (5, 0), textcoords="offset points",
                va="center", fontsize=SMALL, color=INK,
            )  # fmt: skip
        axes.set_yticks(range(len(drawn)), [_name(row.variant) for row, _, _ in drawn])
        axes.set_ylim(len(drawn) - 0.4, -0.6)
        axes.set_xlim(0, 1.28 * max(sent + came for _, sent, came in drawn) or 1)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel("tokens, mean")
        axes.grid(axis="x", color=LINES, linewidth=0.5)

    told = "; ".join(
        f"{printable(row.variant)}: {whole(sent)} in the prompt, {whole(came)} in the answer"
        for row, sent, came in drawn
    )
    high = 0.8 + 0.45 * len(drawn)
    return Plot(title, drawing(title, told, high, draw), told, not_drawn(unknown))


def _losses(fine_tunes: Mapping[str, Any]) -> Iterator[Plot]:
    """Training loss, a line a suite's job."""
    found = {
        f"{suite} {variant}": [(loss["step"], loss["train"]) for loss in origin["losses"]]
        for suite, variants in fine_tunes.items()
        for variant, origin in variants.items()
        if (origin or {}).get("losses")
    }
    known = {name: [(at, loss) for at, loss in losses if loss is not None] for name, losses in found.items()}
    lines = {name: losses for name, losses in known.items() if losses}
    if not lines:
        return
    title = "Training loss by step"

    def draw(axes: Axes) -> None:
        for number, (name, losses) in enumerate(list(lines.items())[: len(SERIES)]):
            look = Look(number)
            axes.plot(*zip(*losses, strict=True), color=look.colour, linewidth=1.4, label=_name(name))
        axes.set_ylim(bottom=0)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.legend(frameon=False, fontsize=SMALL)
        axes.grid(color=LINES, linewidth=0.5)

    told = "; ".join(
        f"{printable(name)}: {each[0][1]:.3g} to {each[-1][1]:.3g}" for name, each in lines.items()
    )
    more = [printable(name) for name in list(lines)[len(SERIES) :]]
    yield Plot(title, drawing(title, told, 3.2, draw), told, not_drawn(more))


def not_drawn(names: Sequence[str]) -> str:
    """A sentence on what is missing in a plot; "" where nothing is."""
    if not names:
        return ""
    further = f" and {len(names) - 6} more" if len(names) > 6 else ""
    return f"Not drawn, because unknown or too many: {', '.join(names[:6])}{further}."
