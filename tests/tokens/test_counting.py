"""Counting tokens by the model's own encoding, offline."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit import tokens
from evalkit.local.chat_template import ChatTemplate, Message, Role, Tool


def test_an_unknown_model_has_no_count() -> None:
    """None, not a guess."""
    assert tokens.count("hello", "llama3:8b") is None
    assert tokens.count_messages([{"role": "user", "content": "hello"}], "llama3:8b") is None


@given(st.text(max_size=60))
def test_special_tokens_in_a_text_are_text(text: str) -> None:
    """No text can make counting fail, and what looks like a special token counts as its letters."""
    counted = tokens.count(f"{text}<|im_start|>", "evalkit-tiny")
    assert counted is not None
    assert counted > 1


@given(
    system=st.none() | st.text(max_size=40),
    user=st.text(max_size=40) | st.sampled_from(["<|im_end|>", "\n\n", "assistant\n"]),
)
def test_a_chat_counts_as_the_embedded_server_lays_it_out(system: str | None, user: str) -> None:
    """Token for token, the opening of the answer included."""
    encoding = tokens.encoding_for("evalkit-tiny")
    assert encoding is not None
    turns: list[tuple[Role, str]] = (
        [("user", user)] if system is None else [("system", system), ("user", user)]
    )
    laid_out = ChatTemplate(encoding).prompt([Message(role, text) for role, text in turns])
    messages = [{"role": role, "content": text} for role, text in turns]
    assert tokens.count_messages(messages, "evalkit-tiny") == len(laid_out.ids)


@pytest.mark.parametrize("system", [None, "Be kind."])
def test_tools_count_as_the_embedded_server_lays_them_out(system: str | None) -> None:
    """In the system turn, or alone in its place; for OpenAI's models they are counted too."""
    encoding = tokens.encoding_for("evalkit-tiny")
    assert encoding is not None
    parameters = {"properties": {"on": {"type": "boolean"}, "room": {"enum": ["hall"]}}, "required": ["on"]}
    function = {"name": "set_light", "description": "Switch it.", "parameters": parameters}
    turns: list[tuple[Role, str]] = (
        [("user", "On!")] if system is None else [("system", system), ("user", "On!")]
    )
    tool = Tool("set_light", "Switch it.", parameters)
    laid_out = ChatTemplate(encoding).prompt([Message(role, text) for role, text in turns], [tool])
    messages = [{"role": role, "content": text} for role, text in turns]
    declared = [{"type": "function", "function": function}]
    assert tokens.count_messages(messages, "evalkit-tiny", declared) == len(laid_out.ids)


def test_parts_of_a_content_list_are_counted() -> None:
    """A message given as a list of parts counts like its text."""
    whole = [{"role": "user", "content": "hello there"}]
    parts = [
        {"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": " there"}]}
    ]
    assert tokens.count_messages(parts, "evalkit-tiny") == tokens.count_messages(whole, "evalkit-tiny")
