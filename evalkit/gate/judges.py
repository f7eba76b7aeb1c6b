"""Endpoints that a judge reads: whether that judge can carry a SHIP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.run.gating import Gating


def judge_notes(info: Mapping[str, Any], suite: str, gating: Gating) -> dict[str, str]:
    """By the name of a rubric check, why its judge cannot carry a SHIP; only those that cannot."""
    found = info.get("calibrations", {}).get(suite, {})
    return {
        name: "its judge is not calibrated (evalkit judge calibrate), so it carries no SHIP"
        for name, calibration in found.items()
        if name in gating.checks and calibration is None
    }
