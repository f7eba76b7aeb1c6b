"""The sentence that stands for a decision."""

from __future__ import annotations

import pytest

from tests.gate.tables import MakeRecord, decided, gating, records, table


@pytest.mark.parametrize(
    ("pairs", "margin", "sentence"),
    [
        (
            (128, 25, 0),
            0.05,
            "ft passes 100%, prompted 80%: truly at least +14 points on short "
            "(95% sure, 128 pairs; -5 allowed).",
        ),
        (
            (120, 0, 0),
            0.025,
            "ft and prompted both pass 100%: truly at most 2.2 points worse on short "
            "(95% sure, 120 pairs; -2.5 allowed).",
        ),
        (
            (280, 0, 0),
            0.05,
            "ft and prompted both pass 100%: truly at most 1 point worse on short "
            "(95% sure, 280 pairs; -5 allowed).",
        ),
        (
            (100, 20, 0),
            0.0,
            "ft passes 100%, prompted 80%: truly at least +14 points on short "
            "(95% sure, 100 pairs; 0 allowed).",
        ),
        ((200, 0, 20), 0.025, "ft is 10 points worse on short (7 to 14, 200 pairs; 2.5 allowed)."),
        ((400, 0, 4), 0.01, "ft is 1 point worse on short (0 to 2, 400 pairs; 1 allowed)."),
        (
            (200, 10, 14),
            0.05,
            "ft passes 93%, prompted 95%; ft may be 6 points worse on short (200 pairs), 5 allowed. "
            "About 207 more cases would decide (80% power, if equal).",
        ),
    ],
)
def test_a_decision_tells_its_evidence(
    make_record: MakeRecord, pairs: tuple[int, int, int], margin: float, sentence: str
) -> None:
    """What was seen, what is shown by it, how sure that is, what was allowed, and what would help; with a
    digit more where a whole number would look like what is allowed."""
    assert decided(records(make_record, table(*pairs)), gating(margin=margin)).reason == sentence
