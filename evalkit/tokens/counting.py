"""How many tokens a text is, or a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from evalkit.tokens.models import EMBEDDED, encoding_for, length
from evalkit.tokens.tools import signature, tools_block

if TYPE_CHECKING:
    import tiktoken

AROUND_TOOL = 12
"""Tokens that the cookbook adds for the frame of each tool."""


def count(text: str, model: str) -> int | None:
    """Tokens of `text` for `model`, special tokens read as plain text; None where that cannot be known."""
    encoding = encoding_for(model)
    return None if encoding is None else length(encoding.name, text)


def count_messages(
    messages: Sequence[Mapping[str, Any]], model: str, tools: Sequence[Mapping[str, Any]] = ()
) -> int | None:
    """Tokens of a chat prompt for `model`, the opening of the answer included; None where unknown.

    Exact for the embedded models; for OpenAI's by the rule of their cookbook, tools roughly:
    https://cookbook.openai.com/examples/how_to_count_tokens_with_tiktoken

    Args:
        messages, tools: as in the body of a request.
        model: its name.
    """
    encoding = encoding_for(model)
    if encoding is None:
        return None
    if encoding.name == EMBEDDED:
        return _chatml_tokens(_with_tools(messages, tools), encoding)
    declared = sum(length(encoding.name, signature(tool)) + AROUND_TOOL for tool in tools)
    return _cookbook_tokens(messages, encoding) + declared


def _with_tools(
    messages: Sequence[Mapping[str, Any]], tools: Sequence[Mapping[str, Any]]
) -> Sequence[Mapping[str, Any]]:
    """The messages with the tools in the system turn, as the embedded server lays them out."""
    if not tools:
        return messages
    block = tools_block(map(signature, tools))
    if not messages or messages[0].get("role") != "system":
        return [{"role": "system", "content": block}, *messages]
    system = f"{_joined(messages[0].get('content'))}\n\n{block}"
    return [{"role": "system", "content": system}, *messages[1:]]


def _chatml_tokens(messages: Sequence[Mapping[str, Any]], encoding: tiktoken.Encoding) -> int:
    """By the embedded chat template, `<|im_start|>role\\ntext<|im_end|>\\n`; special tokens are 1 each."""
    turns = [f"{message['role']}\n{_joined(message.get('content'))}" for message in messages]
    around = 2 + length(encoding.name, "\n")
    opening = 1 + length(encoding.name, "assistant\n")
    return sum(around + length(encoding.name, turn) for turn in turns) + opening


def _cookbook_tokens(messages: Sequence[Mapping[str, Any]], encoding: tiktoken.Encoding) -> int:
    """3 for each message, every value's own, 1 more for a name, and 3 for the opening of the answer."""
    values = [_joined(value) for message in messages for value in message.values()]
    names = sum("name" in message for message in messages)
    return 3 + 3 * len(messages) + names + sum(length(encoding.name, value) for value in values)


def _joined(content: Any) -> str:
    """A message's value as text: itself, or the text parts of a list; "" for what holds no text."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if isinstance(part, dict) and "text" in part)
    return content if isinstance(content, str) else ""
