"""Fine-tuning on the spot: a suite's training lines become a model, over the API, once for the same data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from evalkit.errors import AskError, UsageError
from evalkit.suite import Suite, training_file
from evalkit.tune.api import FineTuning
from evalkit.tune.recipe import Base, Recipe
from evalkit.tune.start import create, find
from evalkit.tune.watch import ended

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint


@dataclass(frozen=True, slots=True)
class FtModel:
    """A fine-tuned model, and where it came from. `data_sha256` is of the training file as uploaded."""

    model: str
    job_id: str
    data_sha256: str
    reused: bool
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)
    trained_tokens: int | None = None


async def ensure_ft(
    suite: Suite, base: Base, endpoint: OpenAIEndpoint, learning: Callable[[str], None] = lambda _: None
) -> FtModel:
    """The model that `base` becomes by learning the suite's training lines: an earlier job's where weights
    and lines are the same, else a new job's, waited for; `learning` is told the suite's name then.

    Raises:
        UsageError: the job failed, or the endpoint cannot fine-tune.
    """
    recipe = Recipe(base, suite.name, training_file(suite), suffix=suite.name)
    return await ensure(recipe, endpoint, learning)


async def ensure(
    recipe: Recipe, endpoint: OpenAIEndpoint, learning: Callable[[str], None] = lambda _: None
) -> FtModel:
    """The model of a recipe, made unless it is there; `learning` is told the recipe's name if it is made.

    Raises:
        UsageError: as `ensure_ft`.
    """
    server = FineTuning(endpoint)
    try:
        earlier = await find(server, recipe)
        if earlier is None:
            learning(recipe.name)
        job = await ended(server, earlier or await create(server, recipe))
    except AskError as error:
        raise UsageError(
            f"suite {recipe.name}: endpoint {endpoint.name} cannot fine-tune: {error}"
        ) from error
    if not job.fine_tuned_model:
        why = job.error or "the server gives no reason"
        raise UsageError(f"suite {recipe.name}: fine-tuning job {job.id} {job.status}: {why}")
    return FtModel(
        job.fine_tuned_model,
        job.id,
        recipe.data_sha256,
        earlier is not None,
        dict(job.hyperparameters),
        job.trained_tokens,
    )
