"""Tokens: which encoding a model has, and how many of them a text or a conversation is."""

from evalkit.tokens.counting import count, count_messages
from evalkit.tokens.models import EMBEDDED, encoding_for, encoding_name, ft_base, roughly, without_encoding
from evalkit.tokens.tools import tool_signature, tools_block

__all__ = [
    "EMBEDDED",
    "count",
    "count_messages",
    "encoding_for",
    "encoding_name",
    "ft_base",
    "roughly",
    "tool_signature",
    "tools_block",
    "without_encoding",
]
