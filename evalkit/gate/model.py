"""What the gate says, as plain frozen data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from evalkit.gate.judges import Judged
from evalkit.stats import Interval, Pairs, Rate

Word = Literal["ship", "dont_ship", "inconclusive"]

SPOKEN = {"ship": "SHIP", "dont_ship": "DON'T SHIP", "inconclusive": "INCONCLUSIVE"}


@dataclass(frozen=True, slots=True)
class Terms:
    """By what a suite is decided, beside its counts.

    Attributes:
        margin: how much worse the candidate may be.
        level: one-sided, of this look; 0 where none of alpha is left.
        alpha: of all looks together.
        labels: what a reader must know of the decision.
        judged: what is known of the judges, by endpoint; those that no judge reads are not in it.
    """

    margin: float
    level: float
    alpha: float
    labels: tuple[str, ...] = ()
    judged: Mapping[str, Judged] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One thing that the candidate must not do worse than the baseline: a check of the suite.

    Attributes:
        name: of the check; `CASE_CHECKS` for those of single cases together.
        pairs: cases (or groups of answers) that count, and those on which the two differ.
        interval: of the difference, each end for itself as sure as the gate asks (two-sided 1 - 2 alpha).
        state: "noninferior" and "worse" are shown, "open" is neither.
        p_noninferior, p_worse: p-values; the second is corrected for the number of endpoints (Holm).
        more: further cases that would decide it (power 80%, if both are equal); None where none would.
        more_repeats: how often more each case could be asked instead; None where that would not do.
        note: why it cannot be shown, whatever the figures; "" where it can.
    """

    name: str
    pairs: Pairs
    interval: Interval | None
    state: Literal["noninferior", "worse", "open"]
    p_noninferior: float
    p_worse: float
    more: int | None = None
    more_repeats: int | None = None
    note: str = ""

    @property
    def difference(self) -> float | None:
        """Candidate's pass rate less the baseline's; None of nothing."""
        return self.pairs.difference if self.pairs.n else None


@dataclass(frozen=True, slots=True)
class Floor:
    """One figure that the candidate must reach by itself.

    Attributes:
        name: as in `require:`. limit: as it stands there.
        value: what was found. bound: as far as it is shown; None where there is not enough for one.
        state: "met" and "missed" are shown, "open" is neither.
        least: how many answers it takes at least to show that it is met; None where no number does.
    """

    name: str
    limit: float
    value: float | None
    bound: float | None
    state: Literal["met", "missed", "open"]
    least: int | None
    n: int


@dataclass(frozen=True, slots=True)
class Decision:
    """One suite's.

    Attributes:
        reason: one sentence with the evidence.
        alpha: one-sided, of all looks at this candidate. level: what of it this look was tested at.
        candidate_rate, baseline_rate: over all checks, of the answers that counted and were decided.
        cases: what the tests count: cases, or groups where answers hang together (`clustered`).
        pairs: answers of each side, repeats included.
        unknown: pairs in which an answer is missing or was not decided.
        without_unknown: the decision if those are left out.
        endpoints: empty where nothing could be compared.
        labels: what a reader must know of it, such as a margin that was set after the data was seen.
    """

    suite: str
    word: Word
    reason: str
    candidate: str
    baseline: str
    margin: float
    alpha: float
    level: float
    candidate_rate: Rate
    baseline_rate: Rate
    cases: int
    pairs: int
    clustered: bool
    unknown: int
    without_unknown: Word
    endpoints: tuple[Endpoint, ...]
    floors: tuple[Floor, ...] = ()
    labels: tuple[str, ...] = ()
    inconclusive_passes: bool = False


@dataclass(frozen=True, slots=True)
class Decisions:
    """A run's: a decision a suite, by name.

    Attributes:
        undecided: why nothing was decided, such as a partial run; None where it was.
    """

    suites: tuple[Decision, ...]
    undecided: str | None = None

    @property
    def word(self) -> Word | None:
        """SHIP where every suite says so, DON'T SHIP where one does; None where nothing was decided."""
        words = {decision.word for decision in self.suites}
        if self.undecided or not words:
            return None
        return next(word for word in ("dont_ship", "inconclusive", "ship") if word in words)

    def of(self, suite: str) -> Decision | None:
        """One suite's."""
        return next((decision for decision in self.suites if decision.suite == suite), None)
