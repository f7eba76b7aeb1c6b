"""OpenAI's fine-tuning is closing: what a refused job is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evalkit.errors import AskError, UsageError

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

TRAINING_CLOSED = "training_not_available"
"""The code of HTTP 403 with which a job is refused for good."""


class TrainingClosed(UsageError):
    """The endpoint takes no new jobs from this account; the message names what does."""


def closed(endpoint: OpenAIEndpoint, refusal: AskError) -> TrainingClosed:
    """What to do instead. The dates are those of OpenAI's deprecations page as of 2026-11."""
    return TrainingClosed(
        f"{endpoint.name} takes no new fine-tuning jobs from this organisation ({refusal.message}).\n"
        "OpenAI closed fine-tuning to newcomers on 2026-05-07 and to idle organisations on 2026-07-02, and "
        "closes it to all on 2027-01-06.\n"
        "The same job runs on this machine, through the same API:\n"
        "  evalkit tune start SUITE --model evalkit-tiny      the embedded model; no account, no cost\n"
        "  evalkit serve --port 8000                          for your own scripts: they need only\n"
        "                                                     OPENAI_BASE_URL=http://127.0.0.1:8000/v1"
    )
