"""Endpoints that a judge reads: whether that judge can carry a SHIP, and how well it reads either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.run.gating import Gating
from evalkit.run.judge.calibration import Calibration, cannot_carry, read_calibrations
from evalkit.stats.correction import Accuracy


@dataclass(frozen=True, slots=True)
class Judged:
    """How well a judge reads the answers of candidate and baseline; None where it carries no SHIP.

    `note` says why it carries none; "" where it does.
    """

    sides: tuple[Accuracy, Accuracy] | None
    note: str = ""


def judged(info: Mapping[str, Any], suite: str, gating: Gating) -> dict[str, Judged]:
    """By the name of a rubric check, for all that a suite has.

    Raises:
        UsageError: run.json is damaged.
    """
    found = read_calibrations(info).get(suite, {})
    return {name: _judged(kept, gating) for name, kept in found.items() if name in gating.checks}


def _judged(calibration: Calibration | None, gating: Gating) -> Judged:
    variants = (gating.candidate, gating.baseline)
    if why := next(filter(None, (cannot_carry(calibration, variant) for variant in variants)), None):
        return Judged(None, why)
    candidate, baseline = (calibration.rates(variant) if calibration else None for variant in variants)
    return Judged((candidate, baseline) if candidate and baseline else None)
