"""The engine of numpy behind the server's seam."""

from __future__ import annotations

from pathlib import Path

from tiktoken import Encoding

from evalkit.local.backend import Backend
from evalkit.local.chat_template import ChatTemplate
from evalkit.local.engine.adapter import load_adapter
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.weights import load_model
from evalkit.local.tokenizer import load_encoding

BASE = "evalkit-tiny"
CREATED = 1795305600  # 2026-11-22; the API wants a date


def open_embedded(weights: Path) -> Backend:
    """Load a plain Llama from a Hugging Face folder.

    Raises:
        InputError: it cannot be used.
    """
    model, encoding = load_model(weights), load_encoding(weights)
    vocabulary = spelled(encoding, model.config.vocab)
    return Backend(
        name=BASE,
        created=CREATED,
        folder=weights,
        sha256=model.sha256,
        engine=Engine(model),
        template=ChatTemplate(encoding),
        vocabulary=vocabulary,
        load_adapter=load_adapter,
        worker="evalkit.local.jobs.worker",
    )


def spelled(encoding: Encoding, size: int) -> tuple[bytes, ...]:
    """Give the bytes of each token; b"" for special ones, and for rows of the model that no token has."""
    special = {encoding.encode_single_token(name) for name in encoding.special_tokens_set}
    known = min(size, encoding.n_vocab)
    ordinary = [
        b"" if token in special else encoding.decode_single_token_bytes(token) for token in range(known)
    ]
    return (*ordinary, *[b""] * (size - known))
