"""How the judge is asked and what it replies, letter for letter as the harness asks and reads."""

from __future__ import annotations

import json

from evalkit.local.chat_template import Message


def messages(rubric: str, question: str, answer: str) -> tuple[Message, Message]:
    """The rubric as system message; question and answer as one user message."""
    asked = f"Question: {question}\n" if question else ""
    return Message("system", rubric), Message("user", f"{asked}Answer to grade:\n<<<\n{answer}\n>>>")


def reply(reason: str, score: int) -> str:
    """The form, spelled as the server's constrained decoding permits it; `score` is 1 to 5."""
    return json.dumps({"reason": reason, "score": score}, ensure_ascii=False)
