"""Lines of training data as plain texts, whatever their form."""

from __future__ import annotations

from typing import Any

import pytest

from evalkit.dataset.conversation import NotExample, conversation

CALL = {"type": "function", "function": {"name": "dim", "arguments": '{"room": "hall"}'}}


def message(role: str, content: Any, **more: Any) -> dict[str, Any]:
    """One message."""
    return {"role": role, "content": content, **more}


def test_a_chat_is_told_apart_by_speaker() -> None:
    """System and developer messages, questions and answers each keep their order."""
    turns = [
        message("system", "Be kind."),
        message("developer", "Be brief."),
        message("user", "Who?"),
        message("assistant", "Me."),
        message("user", "Why?"),
        message("assistant", "So."),
    ]
    found = conversation({"messages": turns, "tags": ["a"], "group": "g"})
    assert (found.system, found.asked, found.answers) == (
        ("Be kind.", "Be brief."), ("Who?", "Why?"), ("Me.", "So."),
    )  # fmt: skip
    assert (found.tags, found.group, found.question) == (("a",), "g", "Who?\nWhy?")


@pytest.mark.parametrize(
    "line",
    [
        {"ask": "Who?", "answer": "Me."},
        {"prompt": "Who?", "completion": "Me."},
        {"messages": [message("user", [{"type": "text", "text": "Who?"}]), message("assistant", "Me.")]},
    ],
)
def test_every_form_says_the_same(line: dict[str, Any]) -> None:
    """The short form, the legacy pair and content in parts are read as the chat that they stand for."""
    found = conversation(line)
    assert (found.asked, found.answers) == (("Who?",), ("Me.",))


def test_both_answers_of_a_preference_pair_are_learned_from() -> None:
    """The preferred answer and the other one are answers both."""
    line = {
        "input": {"messages": [message("user", "Who?")]},
        "preferred_output": [message("assistant", "Me.")],
        "non_preferred_output": [message("assistant", "Dunno.")],
    }
    assert conversation(line).answers == ("Me.", "Dunno.")


def test_calls_are_part_of_the_answer() -> None:
    """Tool calls count as what is said, by name and arguments."""
    found = conversation({"messages": [message("assistant", None, tool_calls=[CALL])]})
    assert found.answers == ('dim {"room": "hall"}',)


def test_what_fills_a_template_is_asked_too() -> None:
    """Two lines that ask the same of different texts are different questions."""
    assert conversation({"ask": "Sum up.", "vars": {"text": "A cat.", "n": 2}}).asked == (
        "Sum up.\n2\nA cat.",
    )


@pytest.mark.parametrize("line", [[], "text", None, {}, {"messages": "hi"}, {"messages": ["hi"]}])
def test_what_is_no_example_is_refused_with_a_remedy(line: Any) -> None:
    """The message says what to write."""
    with pytest.raises(NotExample, match="write"):
        conversation(line)
