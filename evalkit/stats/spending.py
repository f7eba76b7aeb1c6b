"""Looking at the data several times, without being wrong more often than in one look.

Source: Lan and DeMets, Biometrika 70 (1983) 659-663, with their first spending function, which is like the
boundaries of O'Brien and Fleming; integrated as in Armitage, McPherson and Rowe, J. R. Stat. Soc. A 132
(1969) 235-244.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Floats = NDArray[np.float64]

_NORMAL = NormalDist()
_FARTHEST, _NODES = 9.0, 200
"""Standard deviations from 0 that the integration goes to, and its nodes (Gauss and Legendre)."""


def spent(share: float, alpha: float) -> float:
    """How much of a one-sided `alpha` may be spent by the time that `share` of all data has been seen."""
    return 2 - 2 * _NORMAL.cdf(_NORMAL.inv_cdf(1 - alpha / 2) / sqrt(share)) if share > 0 else 0.0


def levels(shares: Sequence[float], alpha: float) -> tuple[float, ...]:
    """The one-sided level at which each look is to be tested, so that all together are wrong in `alpha`.

    Args:
        shares: of the data that each look sees, ascending, the last one 1.
        alpha: one-sided, of all looks together.
    """
    paths = _Paths(np.zeros(1), np.ones(1))
    found, before = [], 0.0
    for share in shares:
        step = sqrt(share - before)
        bound = paths.bound(step, spent(share, alpha) - spent(before, alpha))
        found.append(1 - _NORMAL.cdf(bound / sqrt(share)))
        paths, before = paths.moved(step, bound), share
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Paths:
    """Where the statistic stands if no look has ended it: nodes of an integral, each with its weight."""

    at: Floats
    weight: Floats

    def bound(self, step: float, allowed: float) -> float:
        """What is passed at the next look with the probability `allowed`."""
        low, high = 0.0, _FARTHEST
        while high - low > 1e-10:
            middle = (low + high) / 2
            beyond = float(self.weight @ ndtr((self.at - middle) / step))
            low, high = (middle, high) if beyond > allowed else (low, middle)
        return high

    def moved(self, step: float, bound: float) -> _Paths:
        """One look later, below the bound."""
        nodes, weights = np.polynomial.legendre.leggauss(_NODES)
        half = (bound + _FARTHEST) / 2
        at = half * (nodes + 1) - _FARTHEST
        density = np.exp(-0.5 * ((at[:, None] - self.at[None, :]) / step) ** 2) @ self.weight
        return _Paths(at, half * weights * density / (step * sqrt(2 * pi)))
