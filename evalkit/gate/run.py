"""A run's folder -> its decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import msgspec

from evalkit.gate.counts import Counts, count
from evalkit.gate.judges import judged
from evalkit.gate.ledger import post_hoc
from evalkit.gate.model import Decisions, Terms
from evalkit.run.gating import Gating, not_comparable, read_gating
from evalkit.run.leaks import leaked_cases
from evalkit.run.rows import open_rows

Info = Mapping[str, Any]

PARTIAL = "a partial run is never gated (-k, -m, -x, --maxfail, --lf and --limit make one)"


@dataclass(frozen=True, slots=True)
class Changed:
    """What is to be decided by in place of the suites' own rule; None leaves it as it is."""

    margin: float | None = None
    alpha: float | None = None
    candidate: str | None = None
    baseline: str | None = None

    def of(self, gating: Gating) -> Gating:
        """The rule with what was changed."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return msgspec.structs.replace(gating, **{n: value for n, value in own.items() if value is not None})

    def labels(self, gating: Gating) -> tuple[str, ...]:
        """What was set after the data was seen."""
        now = self.of(gating)
        values = (
            (field.name, getattr(gating, field.name), getattr(now, field.name)) for field in fields(self)
        )
        return tuple(post_hoc(name, before, after) for name, before, after in values if before != after)


AS_IT_IS = Changed()
"""The suites' own rules."""


def decisions(folder: Path, info: Info, changed: Changed = AS_IT_IS) -> Decisions | None:
    """Decide every suite of a run; None where it was made with --no-gate.

    Args:
        folder: the run's, with its records.
        info: its run.json.
        changed: other terms than the suites' own.

    Raises:
        UsageError: the run's files are damaged, or of another version.
    """
    if not info["options"]["gate"]:
        return None
    own = read_gating(info)
    gatings = {suite: changed.of(gating) for suite, gating in own.items()}
    if undecided := why_undecided(info, gatings):
        return Decisions((), undecided)
    from evalkit.gate.decide import decide  # loads scipy, which what is not gated does without

    return Decisions(
        tuple(
            decide(suite, counts, terms(info, suite, counts.gating, changed.labels(own[suite])))
            for suite, counts in sorted(counted(folder, info, gatings).items())
        )
    )


def why_undecided(info: Info, gatings: Mapping[str, Gating]) -> str | None:
    """Why a run decides nothing; None where it does."""
    if info["partial"]:
        return PARTIAL
    if info["status"] != "finished":
        return "the run is not complete, so nothing is decided on it"
    for suite, gating in gatings.items():
        asked = info["plan"]["variants"].get(suite, {})
        if why := not_comparable((gating.candidate, gating.baseline), asked):
            return f"{suite}: {why}"
    return None


def counted(folder: Path, info: Info, gatings: Mapping[str, Gating]) -> dict[str, Counts]:
    """By suite, with what is missing of a whole run."""
    plan = info["plan"]
    with open_rows(folder) as rows:
        found = count(rows, gatings, leaked_cases(info), plan["repeat"])
    for suite, counts in found.items():
        cases = info.get("asked", {}).get(suite, plan["suites"].get(suite, {}).get("cases", 0))
        counts.finish(0 if "regraded_from" in info else cases * plan["repeat"])
    return found


def terms(info: Info, suite: str, gating: Gating, labels: tuple[str, ...]) -> Terms:
    """By what a suite is decided: its rule, and the look that was taken, if one was."""
    look = info.get("looks", {}).get(suite, {"level": gating.alpha, "alpha": gating.alpha, "labels": ()})
    return Terms(
        margin=gating.margin,
        level=look["level"] * gating.alpha / look["alpha"],
        alpha=gating.alpha,
        labels=(*look["labels"], *labels),
        judged=judged(info, suite, gating),
    )
