"""What the handlers work with, made once at start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from tiktoken import Encoding

from evalkit.local.chat_template import ChatTemplate
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.weights import load_model
from evalkit.local.generation import EngineThread
from evalkit.local.jobs.runner import BaseModel, JobRunner
from evalkit.local.served import BASE, ServedModels
from evalkit.local.store import Store
from evalkit.local.tokenizer import load_encoding


@dataclass(frozen=True, slots=True)
class Services:
    """The parts of the server below HTTP. `vocabulary` has the bytes of each token, b"" for a special one."""

    template: ChatTemplate
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
        weights: a Hugging Face folder.
        state: made if it is not there.
        judge: the judge's adapter; the judge is served if it is there.

    Raises:
        UsageError: weights or state cannot be used.
    """
    store = Store(state)
    model, encoding = load_model(weights), load_encoding(weights)
    vocabulary = spelled(encoding, model.config.vocab)
    engine = Engine(model, vocabulary=vocabulary)
    return Services(
        template=ChatTemplate(encoding),
        vocabulary=vocabulary,
        engine=EngineThread(engine),
        models=ServedModels(model.sha256, judge, store),
        store=store,
        jobs=JobRunner(store, BaseModel(BASE, weights, model.sha256, engine.max_len)),
    )


def spelled(encoding: Encoding, size: int) -> tuple[bytes, ...]:
    """Give the bytes of each token; b"" for special ones, and for rows of the model that no token has."""
    special = {encoding.encode_single_token(name) for name in encoding.special_tokens_set}
    known = min(size, encoding.n_vocab)
    ordinary = [
        b"" if token in special else encoding.decode_single_token_bytes(token) for token in range(known)
    ]
    return (*ordinary, *[b""] * (size - known))


def services_of(request: Request) -> Services:
    """Give the services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
