"""What the handlers work with, made once at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from evalkit.local.backend import Template
from evalkit.local.engine.backend import open_embedded
from evalkit.local.generation import EngineThread
from evalkit.local.jobs.runner import JobRunner
from evalkit.local.served import ServedModels
from evalkit.local.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server below HTTP. `vocabulary` has the bytes of each token, b"" for a special one."""

    template: Template
    vocabulary: tuple[bytes, ...]
    engine: EngineThread
    models: ServedModels
    store: Store
    jobs: JobRunner

    def spell(self, token: int) -> bytes:
        """Give the bytes of a token."""
        return self.vocabulary[token]


def open_services(weights: Path, state: Path, judge: Path) -> Services:
    """Load the base model and open the state folder.

    Args:
        weights: the Hugging Face folder of the embedded model.
        state: made if it is not there.
        judge: the embedded judge's adapter; the judge is served if it is there.

    Raises:
        UsageError: a folder cannot be used.
    """
    store = Store(state)
    backend = open_embedded(weights)
    return Services(
        template=backend.template,
        vocabulary=backend.vocabulary,
        engine=EngineThread(backend.engine),
        models=ServedModels(backend, store, judge),
        store=store,
        jobs=JobRunner(store, backend),
    )


def services_of(request: Request) -> Services:
    """Give the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
