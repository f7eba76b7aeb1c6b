"""Counts -> a suite's decision.

SHIP needs every endpoint shown non-inferior and every floor shown met: an intersection-union test, wrong in
at most alpha however many there are (Berger, Technometrics 24 (1982) 295-300).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from evalkit.gate.counts import Counts
from evalkit.gate.endpoints import compared
from evalkit.gate.floors import floors
from evalkit.gate.model import Decision, Endpoint, Floor, Terms, Word
from evalkit.gate.views import Missing, sides, unknown, view
from evalkit.gate.words import reason


@dataclass(frozen=True, slots=True)
class Tested:
    """What the tests say, by one way to count what is missing."""

    endpoints: tuple[Endpoint, ...]
    floors: tuple[Floor, ...]
    word: Word


def tested(counts: Counts, terms: Terms, missing: Missing) -> Tested:
    """Test every endpoint and every floor; where no alpha is left, as a first look would."""
    level = terms.level or terms.alpha
    views = [(name, view(counts, number, missing)) for number, name in enumerate(counts.endpoints)]
    endpoints = compared(views, terms.margin, level, terms.judged)
    found = floors(counts, level, missing, terms.judged)
    return Tested(endpoints, found, _word(endpoints, found, level))


def decide(suite: str, counts: Counts, terms: Terms) -> Decision:
    """One suite's decision.

    Where only the way to count what is missing decides, it is INCONCLUSIVE; and where no alpha is left, in
    place of a SHIP.
    """
    against = tested(counts, terms, "against")
    left_out = tested(counts, terms, "left out") if unknown(counts) else against
    agreed = against.word == left_out.word and (terms.level > 0 or against.word != "ship")
    candidate, baseline = sides(counts)
    decision = Decision(
        suite=suite,
        word=against.word if agreed else "inconclusive",
        reason="",
        candidate=counts.gating.candidate,
        baseline=counts.gating.baseline,
        margin=terms.margin,
        alpha=terms.alpha,
        level=terms.level,
        candidate_rate=candidate,
        baseline_rate=baseline,
        cases=len(counts.groups) if counts.clustered else counts.pairs,
        pairs=counts.pairs,
        clustered=counts.clustered,
        unknown=unknown(counts),
        without_unknown=left_out.word,
        endpoints=against.endpoints,
        floors=against.floors,
        labels=terms.labels,
        inconclusive_passes=counts.gating.inconclusive == "pass",
    )
    return replace(decision, reason=reason(decision))


def _word(endpoints: tuple[Endpoint, ...], found: tuple[Floor, ...], level: float) -> Word:
    shown = all(endpoint.state == "noninferior" for endpoint in endpoints)
    if endpoints and shown and all(each.state == "met" for each in found):
        return "ship"
    worse = any(endpoint.p_worse <= level for endpoint in endpoints)
    return "dont_ship" if worse or any(each.state == "missed" for each in found) else "inconclusive"
