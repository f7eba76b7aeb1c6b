"""How often a judged candidate that is worse by exactly the margin is found non-inferior: simulated.

    python -m tests.benchmarks.judged_errors              20,000 runs a line, about 4 minutes
    python -m tests.benchmarks.judged_errors --runs 1000

The points are those that were worst among 400 drawn from a grid of true rates, margins, discordance, judges,
cases and labelled answers.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from evalkit.stats import Pairs, Rate
from evalkit.stats.correction import Accuracy
from evalkit.stats.judged import JudgedPairs, judged_noninferior_p

ALPHA = 0.05
SURE = 3.3
"""Standard errors above alpha that a simulated figure may lie."""
DRAWS, SEED = 2000, 20_261_123


@dataclass(frozen=True)
class Reader:
    """A judge as it truly is on one side, and how many answers of either label were there to find out."""

    tpr: float
    tnr: float
    good: int
    bad: int

    def passes(self, right: bool) -> float:
        """The chance that it passes an answer."""
        return self.tpr if right else 1 - self.tnr

    def measured(self, rng: np.random.Generator) -> Accuracy:
        """What its labelled answers say of it."""
        true_positives, true_negatives = rng.binomial(self.good, self.tpr), rng.binomial(self.bad, self.tnr)
        return Accuracy(Rate(int(true_positives), self.good), Rate(int(true_negatives), self.bad))


@dataclass(frozen=True)
class Point:
    """Cases, the baseline's true rate, the margin by which the candidate is worse, the share of cases on
    which the two truly differ, and who judges them."""

    n: int
    baseline_rate: float
    margin: float
    discordance: float
    candidate: Reader
    baseline: Reader

    def cells(self) -> list[float]:
        """Chances of what the judge may say of a case: both pass, the candidate alone, the baseline alone,
        neither."""
        won = (self.discordance - self.margin) / 2
        lost = won + self.margin
        both = self.baseline_rate - lost
        truth = {(True, True): both, (True, False): won, (False, True): lost}
        truth[False, False] = max(0.0, 1 - sum(truth.values()))
        said = [(True, True), (True, False), (False, True), (False, False)]
        return [
            sum(p * self._says(mine, theirs, *right) for right, p in truth.items()) for mine, theirs in said
        ]

    def _says(self, mine: bool, theirs: bool, right: bool, other_right: bool) -> float:
        p, other = self.candidate.passes(right), self.baseline.passes(other_right)
        return (p if mine else 1 - p) * (other if theirs else 1 - other)


def wrongly_shipped(point: Point, runs: int) -> float:
    """The share of simulated runs in which the worse candidate is found non-inferior at 5%."""
    rng = np.random.default_rng(SEED)
    cells = np.asarray(point.cells())
    found = 0
    for both, won, lost, _ in rng.multinomial(point.n, cells / cells.sum(), size=runs):
        accuracies = point.candidate.measured(rng), point.baseline.measured(rng)
        judged = JudgedPairs(Pairs(point.n, int(won), int(lost)), int(both + won), *accuracies)
        found += judged_noninferior_p(judged, point.margin, DRAWS) <= ALPHA
    return found / runs


POINTS = (
    Point(1000, 0.7, 0.1, 0.2, Reader(0.8, 0.98, 2000, 2000), Reader(1, 1, 2000, 2000)),
    Point(200, 0.7, 0.1, 0.2, Reader(0.98, 0.98, 2000, 2000), Reader(1, 1, 2000, 2000)),
    Point(1000, 1.0, 0.1, 0.1, Reader(0.99, 0.75, 2000, 2000), Reader(0.99, 0.75, 2000, 2000)),
    Point(200, 0.95, 0.1, 0.1, Reader(0.8, 0.98, 60, 60), Reader(0.8, 0.98, 300, 300)),
    Point(60, 1.0, 0.1, 0.1, Reader(1, 1, 60, 60), Reader(1, 1, 300, 300)),
    Point(1000, 1.0, 0.1, 0.1, Reader(1, 1, 300, 300), Reader(0.95, 0.9, 300, 300)),
    Point(200, 1.0, 0.05, 0.05, Reader(0.98, 0.98, 60, 60), Reader(0.8, 0.98, 300, 300)),
    Point(200, 1.0, 0.05, 0.05, Reader(1, 1, 110, 10), Reader(0.8, 0.98, 110, 10)),
)


def main() -> int:
    """Print the table; 1 where a figure lies too high."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.judged_errors", description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    runs = parser.parse_args().runs
    most = ALPHA + SURE * (ALPHA * (1 - ALPHA) / runs) ** 0.5
    found = [(point, wrongly_shipped(point, runs)) for point in POINTS]
    rows = [
        (
            p.n,
            p.baseline_rate,
            p.margin,
            p.discordance,
            *_shown(p.candidate),
            *_shown(p.baseline),
            f"{share:.2%}",
        )
        for p, share in found
    ]
    sides = [f"{side} {what}" for side in ("candidate's", "baseline's") for what in ("TPR, TNR", "labels")]
    print(tabulate(rows, ["cases", "baseline", "margin", "discordance", *sides, "SHIP"], tablefmt="github"))
    print(f"allowed: {most:.2%} (5%, and 3.3 standard errors of {runs:,} runs)")
    return int(any(share > most for _, share in found))


def _shown(reader: Reader) -> tuple[str, str]:
    return f"{reader.tpr:g}, {reader.tnr:g}", f"{reader.good} + {reader.bad}"


if __name__ == "__main__":
    sys.exit(main())
