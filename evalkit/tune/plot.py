"""Curves as SVG. matplotlib is loaded here, and only when something is drawn."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from evalkit.tune.results import Loss

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = (8.0, 4.5)


def loss_svg(title: str, losses: Sequence[Loss]) -> bytes:
    """Training and validation loss against steps."""

    def draw(axes: Axes) -> None:
        train = [(loss.step, loss.train) for loss in losses if loss.train is not None]
        valid = [(loss.step, loss.valid) for loss in losses if loss.valid is not None]
        axes.plot(*zip(*train, strict=True), label="training", linewidth=1.2) if train else None
        if valid:
            axes.plot(*zip(*valid, strict=True), "o-", label="validation", markersize=3)
        axes.set_xlabel("step")
        axes.set_ylabel("loss")
        axes.set_ylim(bottom=0)
        axes.legend()

    return svg(title, draw)


def svg(title: str, draw: Callable[[Axes], None]) -> bytes:
    """One set of axes with a title, drawn by `draw`; the same drawing gives the same bytes."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "evalkit", "svg.fonttype": "none"}):
        figure = Figure(figsize=INCHES, layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(title, parse_math=False)  # a model's name may hold dollar signs
        axes.grid(alpha=0.3)
        draw(axes)
        out = io.BytesIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
