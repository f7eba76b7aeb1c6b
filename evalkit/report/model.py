"""What every format of a report is made from."""

from __future__ import annotations

from dataclasses import dataclass

from evalkit.comparison import Comparison


@dataclass(frozen=True, slots=True)
class Asked:
    """Who was asked: variants that share a model, where it answers, and the name of the key's variable."""

    variants: tuple[str, ...]
    model: str
    host: str
    key: str


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be written down.

    Attributes:
        run: the name of its folder.
        asked: a line a model.
        plan: requests, estimated cost and the cap, in one line.
        comparison: the figures.
        notes: what a reader must know to read the figures, a sentence each.
    """

    run: str
    asked: tuple[Asked, ...]
    plan: str
    comparison: Comparison
    notes: tuple[str, ...]
