"""Endpoints that a judge reads: whether that judge can carry a SHIP, and what follows of its errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.run.calibration import Calibration, calibration_of
from evalkit.run.gating import Gating
from evalkit.stats.correction import Trust

UNCALIBRATED = "its judge is not calibrated (evalkit judge calibrate), so it carries no SHIP"


@dataclass(frozen=True, slots=True)
class Judged:
    """How an endpoint's judge does on answers of candidate and baseline; None where it carries no SHIP.

    `note` says why it carries none; "" where it does.
    """

    trust: tuple[Trust, Trust] | None
    note: str = ""


def judged(info: Mapping[str, Any], suite: str, gating: Gating) -> dict[str, Judged]:
    """By the name of a rubric check, for all that a suite has."""
    found = info.get("calibrations", {}).get(suite, {})
    return {
        name: _judged(calibration_of(kept) if kept else None, gating)
        for name, kept in found.items()
        if name in gating.checks
    }


def _judged(calibration: Calibration | None, gating: Gating) -> Judged:
    if calibration is None:
        return Judged(None, UNCALIBRATED)
    sides = (gating.candidate, gating.baseline)
    if why := next(filter(None, map(calibration.carries, sides)), None):
        return Judged(None, why)
    candidate, baseline = (calibration.by_variant[side] for side in sides)
    return Judged((candidate, baseline))
