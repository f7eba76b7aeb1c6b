"""Decisions, written out."""

from __future__ import annotations

from evalkit.gate import Decision, Word
from evalkit.stats import Rate


def decided(suite: str, word: Word, *, inconclusive_passes: bool = False) -> Decision:
    """One suite's, whose reason is `because`."""
    return Decision(
        suite=suite,
        word=word,
        reason="because",
        candidate="ft",
        baseline="prompted",
        margin=0.05,
        alpha=0.05,
        level=0.05,
        candidate_rate=Rate(86, 100),
        baseline_rate=Rate(71, 100),
        cases=100,
        pairs=100,
        clustered=False,
        unknown=0,
        without_unknown=word,
        endpoints=(),
        inconclusive_passes=inconclusive_passes,
    )
