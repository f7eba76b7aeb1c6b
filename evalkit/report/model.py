"""What every format of a report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from evalkit.comparison import Comparison
from evalkit.comparison.arms import Arms
from evalkit.comparison.money import Money
from evalkit.gate import Decisions
from evalkit.report.heading import Asked

Planned = Mapping[str, Mapping[str, int]]
"""How many records a whole run has, by suite and variant."""


@dataclass(frozen=True, slots=True)
class Report:
    """One run, ready to be written down.

    Attributes:
        run: the name of its folder.
        asked: a line a model.
        plan: requests, estimated cost and the cap, in one line.
        comparison: the figures.
        notes: what a reader must know to read the figures, a sentence each.
        planned: empty where run.json does not tell.
        remedy: how to get what is missing; None where nothing is.
        gate: the decision; None where the run was made with --no-gate.
        arms: what tuning and the prompt brought, by suite; empty where too few arms were asked.
        money: what calls and training cost, a suite each.
    """

    run: str
    asked: tuple[Asked, ...]
    plan: str
    comparison: Comparison
    notes: tuple[str, ...]
    planned: Planned = field(default_factory=dict)
    remedy: str | None = None
    gate: Decisions | None = None
    arms: Mapping[str, Arms] = field(default_factory=dict)
    money: tuple[Money, ...] = ()
