"""What the handlers work with, made once at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request

from evalkit.errors import UsageError
from evalkit.local.backend import Backend, Template
from evalkit.local.constrain import Grammars
from evalkit.local.engine.backend import open_embedded
from evalkit.local.generation import EngineThread
from evalkit.local.jobs.runner import JobRunner
from evalkit.local.options import HERE, Options
from evalkit.local.served import ServedModels
from evalkit.local.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server below HTTP. `vocabulary` has the bytes of each token, b"" for a special one."""

    template: Template
    vocabulary: tuple[bytes, ...]
    grammars: Grammars
    engine: EngineThread
    models: ServedModels
    store: Store
    jobs: JobRunner
    backend: Backend

    def spell(self, token: int) -> bytes:
        """Give the bytes of a token."""
        return self.vocabulary[token]

    def close(self) -> None:
        """Stop answering, and let go of the state folder."""
        self.engine.close()
        self.backend.close()
        self.store.close()


def open_services(options: Options) -> Services:
    """Load the base model and open the state folder, which is made if it is not there.

    Raises:
        UsageError: a folder cannot be used.
    """
    store = Store(options.state)
    backend = open_backend(options.weights, options.model)
    judge = None if options.model else HERE / "judge" / "adapter.safetensors"
    return Services(
        template=backend.template,
        vocabulary=backend.vocabulary,
        grammars=Grammars(backend.vocabulary, backend.template.stop_ids),
        engine=EngineThread(backend.engine),
        models=ServedModels(backend, store, judge, options.aliases),
        store=store,
        jobs=JobRunner(store, backend),
        backend=backend,
    )


def open_backend(weights: Path, model: Path | None) -> Backend:
    """Load `model` with torch, or else the embedded model's weights with numpy.

    Raises:
        UsageError: the folder cannot be used, or the extra `torch` is missing.
    """
    if model is None:
        return open_embedded(weights)
    try:
        from evalkit.local.hf.backend import open_folder
    except ImportError as fault:
        raise UsageError(f"--model needs torch ({fault}): pip install 'evalkit-ft[torch]'") from fault
    return open_folder(model)


def services_of(request: Request) -> Services:
    """Give the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
