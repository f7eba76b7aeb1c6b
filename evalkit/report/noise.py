"""How far a variant differs from itself, where it was asked several times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from evalkit.comparison import Comparison, SuiteFigures
from evalkit.comparison.noise import Noise
from evalkit.numbers import interval, percent

Floors = Mapping[tuple[str, str], Noise]
"""By suite and variant."""


def noise_notes(floors: Floors, comparison: Comparison) -> Iterator[str]:
    """A sentence for each side of a suite's gate; where the two differ by less, that is told."""
    for suite in comparison.suites:
        found = {side: floors.get((suite.name, side)) for side in (suite.pair.candidate, suite.pair.baseline)}
        for side, noise in found.items():
            if noise:
                differ = f"{percent(noise.floor)} of {noise.floor.n:,} cases ({interval(noise.floor)}%)"
                yield f"{suite.name}: asked twice, {side} passes otherwise on {differ}{_told(suite, noise)}."


def _told(suite: SuiteFigures, noise: Noise) -> str:
    shares = {row.variant: row.passed.share for row in suite.rows}
    mine, theirs = shares.get(suite.pair.candidate), shares.get(suite.pair.baseline)
    if mine is None or theirs is None or noise.floor.share is None or abs(mine - theirs) >= noise.floor.share:
        return ""
    return f"; {suite.pair.candidate} and {suite.pair.baseline} differ by less: that is noise"
