"""Fine-tuning over OpenAI's API: a recipe, its job, what the job tells, the model that comes of it."""

from evalkit.tune.api import FineTuning
from evalkit.tune.jobs import Checkpoint, Event, Job
from evalkit.tune.on_the_spot import FtModel, ensure, ensure_ft
from evalkit.tune.recipe import Base, Recipe

__all__ = [
    "Base",
    "Checkpoint",
    "Event",
    "FineTuning",
    "FtModel",
    "Job",
    "Recipe",
    "ensure",
    "ensure_ft",
]
