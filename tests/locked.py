"""An entry of evalkit.lock, for tests to change."""

from __future__ import annotations

from evalkit.config import LockedModel

ENTRY = LockedModel(
    job="ftjob-1",
    status="succeeded",
    model="ft:gpt-x:org:words:1",
    base="gpt-x",
    endpoint="openai",
    base_url="https://api.openai.com/v1",
    source="suites/words",
    prompt="short",
    data_sha256="aa",
    validation_sha256=None,
    systems=1,
    system=None,
    system_sha256=None,
    method="supervised",
    seed=0,
    created="2026-11-22T14:00:00+00:00",
    hyperparameters={"n_epochs": 3},
)
