"""Jobs are read as servers give them, which is not always as the description says."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.tune.jobs import read_event, read_job


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (None, None),
        ({}, None),
        ({"code": None}, None),
        ({"code": None, "message": None, "param": None}, None),
        ({"code": "invalid_n_examples", "message": "too few"}, "invalid_n_examples: too few"),
        ({"message": "too few"}, "too few"),
        ("it broke", "it broke"),
    ],
)
def test_only_a_code_or_a_message_is_an_error(error: Any, told: str | None) -> None:
    """A job that is well has null, {} or {code: null}, as the server pleases."""
    assert read_job({"id": "ftjob-1", "status": "running", "model": "m", "error": error}).error == told


def test_a_status_that_nobody_knows_may_still_change() -> None:
    """Statuses are an open set: only the three that are known to be the end end the waiting."""
    assert not read_job({"id": "1", "status": "warming_up", "model": "m"}).ended
    assert all(read_job({"id": "1", "status": s}).ended for s in ("succeeded", "failed", "cancelled"))


def test_hyperparameters_stand_in_either_of_two_places() -> None:
    """Those of the method are the present ones; older servers know only those at the top."""
    top = {"id": "1", "status": "queued", "hyperparameters": {"n_epochs": 3}}
    assert read_job(top).hyperparameters == {"n_epochs": 3}
    method = {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.1}}}
    assert read_job({**top, "method": method}).hyperparameters == {"beta": 0.1}
    assert read_job({**top, "method": {"type": "dpo"}}).hyperparameters == {"n_epochs": 3}


def test_an_event_with_a_loss_is_metrics_whatever_it_is_called() -> None:
    """Some servers call every event a message."""
    assert read_event({"id": "e", "type": "message", "data": {"train_loss": 1.0}}).type == "metrics"
    assert read_event({"id": "e", "data": None}).type == "message"
