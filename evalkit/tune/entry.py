"""A job as evalkit.lock keeps it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from evalkit.config import EndpointSettings, LockedModel
from evalkit.config.model import LOCAL
from evalkit.tune.jobs import Job
from evalkit.tune.recipe import Recipe
from evalkit.tune.training import TrainingData, systems_of


def entry_for(training: TrainingData, recipe: Recipe, place: EndpointSettings, job: Job) -> LockedModel:
    """The entry of a job that was made of `recipe`, or found to be there."""
    systems = systems_of(training.lines)
    made = datetime.fromtimestamp(job.created_at, UTC) if job.created_at else datetime.now(UTC)
    new = LockedModel(
        job=job.id,
        status=job.status,
        model=None,
        base=recipe.base.model,
        base_fingerprint=recipe.base.fingerprint,
        endpoint=place.name,
        base_url=None if place.name == LOCAL else place.base_url,
        source=training.source,
        prompt=training.prompt,
        data_sha256=recipe.data_sha256,
        validation_sha256=recipe.validation_sha256,
        systems=systems.count,
        system=systems.text,
        system_sha256=systems.sha256,
        method=recipe.method,
        seed=recipe.seed,
        created=made.isoformat(timespec="seconds"),
    )
    return as_of(new, job)


def as_of(entry: LockedModel, job: Job) -> LockedModel:
    """The entry with what its job has come to."""
    return replace(
        entry,
        status=job.status,
        model=job.fine_tuned_model,
        hyperparameters=dict(job.hyperparameters) or entry.hyperparameters,
    )
