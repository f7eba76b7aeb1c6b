"""What the data-preparation script of OpenAI's cookbook says of an example: its errors, and where it stops.

The script is of 2023 and knows neither tools nor parts of content; its figures are kept because people
compare with them. https://cookbook.openai.com/examples/chat_finetuning_data_prep
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

DEFAULT_MODEL = "gpt-3.5-turbo-0613"
"""The model of the script's day: its encoding and its limit give the script's figures."""

_KEYS = {"role", "content", "name", "function_call", "weight"}
_ROLES = ("system", "user", "assistant", "function")
_SPECIAL = ("<|endoftext|>", "<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|endofprompt|>")

TARGET_EPOCHS = 3
FEWEST_TARGET_EXAMPLES, MOST_TARGET_EXAMPLES = 100, 25_000
MOST_DEFAULT_EPOCHS = 25


def script_errors(example: Any) -> Iterator[str]:
    """The script's error names, once for each time that it counts them, so far as it comes."""
    if not isinstance(example, dict):
        yield "data_type"
    elif not example.get("messages"):
        yield "missing_messages_list"
    elif isinstance(example["messages"], list):
        messages = [message for message in example["messages"] if isinstance(message, dict)]
        for message in messages:
            yield from _message_errors(message)
        if not any(message.get("role") == "assistant" for message in messages):
            yield "example_missing_assistant_message"


def _message_errors(message: Mapping[str, Any]) -> Iterator[str]:
    if "role" not in message or "content" not in message:
        yield "message_missing_key"
    if not message.keys() <= _KEYS:
        yield "message_unrecognized_key"
    if message.get("role") not in _ROLES:
        yield "unrecognized_role"
    content = message.get("content")
    if not isinstance(content, str) or not (content or message.get("function_call")):
        yield "missing_content"


def script_stops(example: Any) -> str | None:
    """Why the script ends with an exception at this example; None where it goes on."""
    if not isinstance(example, dict):
        return "the line is no JSON object"
    messages = example.get("messages")
    if messages in ({}, ""):  # odd, but the script takes both for a list without messages
        return None
    if not isinstance(messages, list):
        return "there is no list of messages"
    return next(filter(None, map(_stops_at, messages)), None)


def _stops_at(message: Any) -> str | None:
    if not isinstance(message, dict):
        return "a message is no object"
    if "role" not in message:
        return "a message has no role"
    for key, value in message.items():
        if not isinstance(value, str):
            return f"the value of {key} is no text"
        if "<|" in value and any(token in value for token in _SPECIAL):
            return f"the value of {key} holds a special token"
    if message["role"] == "assistant" and "content" not in message:
        return "an assistant message has no content"
    return None


def default_epochs(examples: int) -> int:
    """How many epochs a job takes where none are named: 3, unless its examples are few or many."""
    if not examples:
        return TARGET_EPOCHS
    if examples * TARGET_EPOCHS < FEWEST_TARGET_EXAMPLES:
        return min(MOST_DEFAULT_EPOCHS, FEWEST_TARGET_EXAMPLES // examples)
    if examples * TARGET_EPOCHS > MOST_TARGET_EXAMPLES:
        return max(1, MOST_TARGET_EXAMPLES // examples)
    return TARGET_EPOCHS
