"""Which encoding a model's texts are counted by.

That of `evalkit-tiny` comes with the package; OpenAI's are read from rank files. Counting is advice: where an
encoding is unknown or cannot be had, it is None.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tiktoken

EMBEDDED = "evalkit-tiny"
"""How the embedded models' names begin, and what tiktoken_ext registers their encoding as."""

_ROUGHLY: ContextVar[bool] = ContextVar("roughly", default=False)

_PREFIXES = (  # the longest that fits decides; `gpt-4` alone would swallow gpt-4o and gpt-4.1
    ("gpt-4o", "o200k_base"),
    ("chatgpt-4o", "o200k_base"),
    ("gpt-4.1", "o200k_base"),
    ("gpt-4.5", "o200k_base"),
    ("gpt-5", "o200k_base"),
    ("o1", "o200k_base"),
    ("o3", "o200k_base"),
    ("o4", "o200k_base"),
    ("gpt-4", "cl100k_base"),
    ("gpt-3.5", "cl100k_base"),
    ("davinci-002", "cl100k_base"),
    ("babbage-002", "cl100k_base"),
    (EMBEDDED, EMBEDDED),
)


def ft_base(model: str) -> str | None:
    """The base in `ft:<base>:<org>:<suffix>:<id>[:ckpt-step-N]`; None for any other name.

    Only names that start with `ft:` are taken apart: other engines use colons of their own.
    """
    return model.split(":")[1] if model.startswith("ft:") else None


@lru_cache
def encoding_name(model: str) -> str | None:
    """The encoding of `model`, for an `ft:` name that of its base; None where the name says nothing."""
    name = ft_base(model) or model
    fitting = [(len(prefix), encoding) for prefix, encoding in _PREFIXES if name.startswith(prefix)]
    return max(fitting)[1] if fitting else None


def encoding_for(model: str) -> tiktoken.Encoding | None:
    """The encoding of `model`, or None where its name is unknown or its ranks cannot be had."""
    name = encoding_name(model)
    if name is None or (name != EMBEDDED and _ROUGHLY.get()):
        return None
    return _load(name)


@contextmanager
def roughly() -> Iterator[None]:
    """Within, OpenAI's encodings are left alone: each takes 70 MB and a third of a second to load."""
    token = _ROUGHLY.set(True)
    try:
        yield
    finally:
        _ROUGHLY.reset(token)


def without_encoding(model: str) -> str:
    """Why the tokens of `model` cannot be counted here, and how to mend it."""
    name = encoding_name(model)
    if name is None:
        return f"No encoding is known of {model!r}: name one of OpenAI's models, or {EMBEDDED}."
    from evalkit.tokens.ranks import RANK_FILES, cache_folder

    return (
        f"The ranks of {name} are neither in tiktoken's cache ({cache_folder()}) nor in an installed "
        "package, and could not be downloaded: pip install --no-deps llama-index-core brings them, or set "
        f"TIKTOKEN_CACHE_DIR to a folder that holds them as {RANK_FILES[name].cache_name}."
    )


@lru_cache(maxsize=4096)  # the same long system prompt stands in hundreds of requests
def length(encoding: str, text: str) -> int:
    """Tokens of a text by the encoding of this name, special tokens read as plain text."""
    return len(_registered(encoding).encode_ordinary(text))


@cache
def _load(name: str) -> tiktoken.Encoding | None:
    """The encoding, once its ranks lie where tiktoken looks: its own download would wait without a limit."""
    if name != EMBEDDED:
        from evalkit.tokens.ranks import RANK_FILES, provide  # few texts are counted by OpenAI's encodings

        if not provide(RANK_FILES[name]):
            return None
    return _registered(name)


def _registered(name: str) -> tiktoken.Encoding:
    import tiktoken  # with its encodings it is 60 MB, and this module is asked for names far more often

    return tiktoken.get_encoding(name)
