"""How often the gate lets a worse model through, and how often an equal one: measured through its own code.

    python -m tests.benchmarks.gate_errors              everything, about 6 minutes
    python -m tests.benchmarks.gate_errors --runs 1000  a tenth of what is simulated

The candidate is truly worse by exactly the margin, 5 points: there a SHIP is wrong most often. Without
repeats all tables of counts are gone through, so the figures are exact; of several checks that one is worse
bounds them. Repeats, groups, several checks and looks are simulated, from one seed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom
from tabulate import tabulate

from evalkit.gate.counts import Counts
from evalkit.gate.decide import decide
from evalkit.gate.model import Terms
from evalkit.gate.schedule import Schedule, looks_at
from evalkit.run.gating import Gating
from evalkit.stats.clusters import t_p

MARGIN = ALPHA = 0.05
SIZES = (52, 59, 60, 87, 118, 120, 200, 1000)
DISCORDANCE = (0.05, 0.1, 0.2, 0.4)
RUNS, SEED = 10_000, 20_261_123
"""Of each simulation of errors; power, which is no promise, has a fifth."""
SURE = 3.3
"""Standard errors above alpha that a simulated figure may lie."""

Table = tuple[int, int]
"""Cases that the candidate alone passed, and that the baseline alone passed."""

Look = tuple[int, float]
"""Cases seen, and the level of the test."""


def ships(n: int, tables: Sequence[Table], level: float = ALPHA) -> bool:
    """Whether the gate says SHIP, by the counts of each endpoint."""
    counts = Counts(_gating(len(tables)), (), clustered=False)
    cells = counts.groups[""]
    for endpoint, (won, lost) in enumerate(tables):
        cells[endpoint, True, False] += won
        cells[endpoint, False, True] += lost
        cells[endpoint, True, True] += n - won - lost
    counts.pairs = n
    return decide("", counts, Terms(MARGIN, level, ALPHA)).word == "ship"


@cache
def most_lost(n: int, level: float = ALPHA) -> NDArray[np.int64]:
    """By cases won: the most that may be lost for a SHIP on one endpoint; -1 for none.

    Every number that is won is gone through, so the gate is asked at both sides of its whole border.
    """
    found, lost = [], -1
    for won in range(n + 1):
        while lost < n - won and ships(n, [(won, lost + 1)], level):
            lost += 1
        while lost > n - won:
            lost -= 1
        found.append(lost)
    return np.asarray(found)


def exactly(n: int, discordance: float, difference: float) -> float:
    """How often one endpoint is let through, over all tables, at true rates with that difference."""
    won, lost = (discordance + difference) / 2, (discordance - difference) / 2
    counts = np.arange(n + 1)
    share = lost / (1 - won)
    return float(binom.pmf(counts, n, won) @ binom.cdf(most_lost(n), n - counts, share))


def endpoints(n: int, discordance: float, difference: float) -> Callable[..., bool]:
    """A trial with three checks: one differs by `difference`, on the others both are equal."""

    def trial(rng: np.random.Generator) -> bool:
        tables = []
        for by in (difference, 0.0, 0.0):
            rates = [(discordance + by) / 2, (discordance - by) / 2]
            won, lost, _ = rng.multinomial(n, [*rates, 1 - sum(rates)])
            tables.append((int(won), int(lost)))
        return ships(n, tables)

    return trial


def simulated(trial: Callable[[np.random.Generator], bool], runs: int) -> float:
    """The share of trials that end in SHIP, all from one seed."""
    rng = np.random.default_rng(SEED)
    return sum(trial(rng) for _ in range(runs)) / runs


def clustered(groups: int, size: int, discordance: float, difference: float) -> Callable[..., bool]:
    """A trial with `size` answers a case (repeats, or a group), half of whose fate is the case's own.

    A case is won, lost or neither; each of its answers goes that way, or in half of all cases its own way.
    """
    rates = [(discordance + difference) / 2, (discordance - difference) / 2]
    chances = [*rates, 1 - sum(rates)]

    def trial(rng: np.random.Generator) -> bool:
        common = rng.choice(3, p=chances, size=(groups, 1))
        own = rng.choice(3, p=chances, size=(groups, size))
        fates = np.where(rng.random((groups, size)) < 0.5, common, own)
        wins, losses = (fates == 0).sum(axis=1), (fates == 1).sum(axis=1)
        if t_p(list((wins - losses) / size), -MARGIN) > ALPHA:
            return False  # the gate takes the greater of two p-values, and this is one of them
        counts = Counts(_gating(1), (), clustered=True)
        for number, (won, lost) in enumerate(zip(map(int, wins), map(int, losses), strict=True)):
            cells = counts.groups[str(number)]
            cells[0, True, False], cells[0, False, True], cells[0, True, True] = won, lost, size - won - lost
        counts.pairs = groups * size
        return decide("", counts, Terms(MARGIN, ALPHA, ALPHA)).word == "ship"

    return trial


def planned(most: int) -> list[Look]:
    """The looks of `--until-decided`."""
    sizes = looks_at(most)
    return [(size, Schedule(sizes, number).level(ALPHA)) for number, size in enumerate(sizes)]


def unplanned(looks: int, most: int) -> list[Look]:
    """Looks that each take all of alpha, as if there were no others."""
    return [(most * number // looks, ALPHA) for number in range(1, looks + 1)]


def in_looks(looks: Sequence[Look], discordance: float, difference: float) -> Callable[..., bool]:
    """A trial that looks at a growing number of cases, until one look decides."""
    borders = [(size, most_lost(size, level)) for size, level in looks]
    rates = [(discordance + difference) / 2, (discordance - difference) / 2]

    def trial(rng: np.random.Generator) -> bool:
        fates = rng.choice(3, p=[*rates, 1 - sum(rates)], size=borders[-1][0])
        won, lost = np.cumsum(fates == 0), np.cumsum(fates == 1)
        return any(lost[size - 1] <= border[won[size - 1]] for size, border in borders)

    return trial


SIMULATED: dict[str, Callable[[float, float], Callable[..., bool]]] = {
    "3 checks, one at the margin, 120 cases": lambda by, d: endpoints(120, by, d),
    "60 cases, 2 repeats": lambda by, d: clustered(60, 2, by, d),
    "120 cases, 3 repeats": lambda by, d: clustered(120, 3, by, d),
    "40 groups of 5 cases": lambda by, d: clustered(40, 5, by, d),
    "up to 4 looks, at most 120 cases": lambda by, d: in_looks(planned(120), by, d),
    "up to 4 looks, at most 240 cases": lambda by, d: in_looks(planned(240), by, d),
}

UNPLANNED = (2, 4)
"""Looks."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table: a share for each discordance."""

    name: str
    shares: tuple[float, ...]


def lines(difference: float, runs: int) -> Iterator[Line]:
    """Of all sizes, exactly; of all else, simulated. A difference of 0 is power, of -margin error."""
    for n in SIZES:
        yield Line(f"{n} cases", tuple(exactly(n, by, difference) for by in DISCORDANCE))
    for name, made in SIMULATED.items():
        yield Line(name, tuple(simulated(made(by, difference), runs) for by in DISCORDANCE))


def unplanned_lines(runs: int) -> Iterator[Line]:
    """Why looks are planned: error without, up to 1,000 cases."""
    for count in UNPLANNED:
        looks = unplanned(count, 1000)
        shares = (simulated(in_looks(looks, by, -MARGIN), runs) for by in DISCORDANCE)
        yield Line(f"{count} looks, 1000 cases", tuple(shares))


def dropped() -> Line:
    """A candidate that loses a tenth of all cases, which takes a discordance of a tenth."""
    shares = (exactly(200, by, -0.1) if by >= 0.1 else float("nan") for by in DISCORDANCE)
    return Line("200 cases", tuple(shares))


def allowed(line: Line, runs: int) -> float:
    """What a share of wrong SHIPs may be: alpha, and a little more where it is simulated."""
    return ALPHA + SURE * sqrt(ALPHA * (1 - ALPHA) / runs) if line.name in SIMULATED else ALPHA


def show(heading: str, found: Iterable[Line]) -> None:
    """Print a table in Markdown, in percent."""
    head = ["", *(f"{100 * by:g}% differ" for by in DISCORDANCE)]
    rows = [
        [line.name, *("-" if isnan(share) else f"{100 * share:.2f}" for share in line.shares)]
        for line in found
    ]
    sides = ("left", *["right"] * len(DISCORDANCE))
    print(f"{heading}:\n\n{tabulate(rows, head, 'github', colalign=sides, disable_numparse=True)}\n")


def _gating(checks: int) -> Gating:
    names = tuple(f"check {number}" for number in range(checks))
    return Gating("ft", "prompted", MARGIN, ALPHA, "fail", {}, names)


def main(argv: Sequence[str]) -> int:
    """Print the tables; 1 where a share of wrong SHIPs is above what is allowed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS, help=f"of each simulation (default {RUNS:,})")
    runs = parser.parse_args(argv).runs
    errors = list(lines(-MARGIN, runs))
    show(f"SHIP in % though the candidate is truly 5 points worse (at most {100 * ALPHA:g})", errors)
    show("The same if each of several looks were tested at 5%, which no gate does", unplanned_lines(runs))
    show("SHIP in % where both are truly equal, on that check", lines(0.0, runs // 5))
    show("SHIP in % though the candidate is truly 10 points worse", [dropped()])
    over = [line.name for line in errors if max(line.shares) > allowed(line, runs)]
    print(f"above what is allowed: {', '.join(over)}" if over else "none is above what is allowed")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
