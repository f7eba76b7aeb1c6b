"""A model that was just made, asked once: only an answer shows that it is ready."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.endpoints.base import Request
from evalkit.endpoints.retry import READY_WITHIN_S, Attempted, Patience, RetryPolicy, ask_patiently

if TYPE_CHECKING:
    from evalkit.endpoints.openai_api import OpenAIEndpoint

FIRST_TOKENS = 8
"""The answer is thrown away: it need not be long."""


async def first_answer(
    endpoint: OpenAIEndpoint,
    model: str,
    question: Mapping[str, Any],
    note: Callable[[str], None],
    within_s: float = READY_WITHIN_S,
) -> Attempted:
    """Ask `model` a question of its training data until it answers, for at most `within_s`."""
    params = {"max_tokens": FIRST_TOKENS}
    if "prompt" in question:
        request = Request(model, "completions", prompt=question["prompt"], params=params)
    else:
        request = Request(model, "chat", messages=tuple(question["messages"]), params=params)
    return await ask_patiently(endpoint, request, RetryPolicy(), note, Patience([model], within_s))
