"""Result files come as CSV or wrapped in base64; what is blank in them was not measured."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.tune.jobs import read_event
from evalkit.tune.results import Loss, decoded, losses_of_csv, losses_of_events
from tests.tune.platform import CSV


@given(st.text())
def test_both_wrappings_give_the_same_csv(rows: str) -> None:
    """Encoded at once or in lines of 76 characters, as some servers do."""
    plain = f"step,train_loss\n{rows}".encode()
    assert decoded(plain) == plain
    assert decoded(base64.b64encode(plain)) == plain
    assert decoded(base64.encodebytes(plain)) == plain


@given(st.binary())
def test_no_content_breaks_the_reading(content: bytes) -> None:
    """What is no result file has no losses."""
    losses_of_csv(decoded(content))


def test_blanks_are_unknown_not_zero() -> None:
    """Validation is measured now and then."""
    assert losses_of_csv(CSV.encode()) == (Loss(1, 2.5, None), Loss(2, 1.25, 1.5))


@pytest.mark.parametrize("data", [{"step": 3, "train_loss": 0.5, "valid_loss": 0.7, "full_valid_loss": 0.6}])
def test_events_tell_it_too(data: dict[str, float]) -> None:
    """Of two validation losses the one over all examples is taken; messages are passed over."""
    events = [read_event({"id": "1", "message": "Started"}), read_event({"id": "2", "data": data})]
    assert losses_of_events(events) == (Loss(3, 0.5, 0.6),)
