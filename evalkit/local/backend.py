"""What runs a model: the seam between the server and its engines, numpy's and torch's."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from evalkit.errors import UsageError
from evalkit.local.chat_template import Lesson, Message, Prompt, Tool
from evalkit.local.engine.job import AnyAdapter, Job


class TemplateRefused(UsageError):
    """The model's chat template does not take these messages, or is no template that can be run."""


class Engine(Protocol):
    """Answers jobs; one thread runs it, any other may hand it work."""

    @property
    def max_len(self) -> int:
        """How many tokens prompt and answer may have together."""
        ...

    def submit(self, job: Job) -> None:
        """Queue a job.

        Raises:
            ContextLengthExceeded: the prompt leaves no room for a token.
            UsageError: the job does not fit the model.
        """
        ...

    def cancel(self, job: Job) -> None:
        """Take a job back, if it is not done; one more token may come."""
        ...

    def run_forever(self, stop: threading.Event) -> None:
        """Work whenever there is work, until `stop` is set."""
        ...


class Template(Protocol):
    """Lays chats and legacy texts out as a model's tokens."""

    @property
    def stop_ids(self) -> frozenset[int]:
        """Tokens that end an answer."""
        ...

    def prompt(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Prompt:
        """Lay out a chat up to where the assistant's next turn begins.

        Raises:
            TemplateRefused: the model has no layout for these messages.
        """
        ...

    def text_prompt(self, text: str) -> Prompt:
        """Lay out a legacy prompt."""
        ...

    def lesson(self, messages: Sequence[Message], tools: Sequence[Tool] = ()) -> Lesson:
        """Lay out a chat to learn from: what the assistant says counts its weight.

        Raises:
            TemplateRefused: the model has no layout for these messages.
        """
        ...

    def text_lesson(self, prompt: str, completion: str) -> Lesson:
        """Lay out a legacy pair to learn from: the completion counts."""
        ...

    def text(self, ids: Sequence[int]) -> str:
        """Give tokens as text, special ones by their names."""
        ...


@dataclass(frozen=True, slots=True)
class Backend:
    """A base model that can be asked and trained.

    Attributes:
        name: under which it is served.
        created: when it was made, in seconds since 1970.
        folder: its Hugging Face folder.
        sha256: of its weights.
        vocabulary: the bytes of each token, b"" for a special one.
        load_adapter: reads what the worker wrote; raises InputError.
        worker: the module that trains, run as `python -m` with an `Order` on stdin; see jobs/worker.py.
        close: ends what the backend has started beside its engine.
    """

    name: str
    created: int
    folder: Path
    sha256: str
    engine: Engine
    template: Template
    vocabulary: tuple[bytes, ...]
    load_adapter: Callable[[Path], AnyAdapter]
    worker: str
    close: Callable[[], None] = lambda: None
