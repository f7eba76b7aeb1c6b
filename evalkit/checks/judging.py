"""How a judge model is asked, and how its reply is read: pure functions.

The reply is a form, held to a JSON Schema by the server and read strictly: free text is never searched for a
mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.checks.base import Grade, Seen
from evalkit.checks.judge_form import Unreadable, filled_in, form
from evalkit.endpoints.base import Message, Request, Response

POINTS = range(1, 6)

FORM = form("grade", "score", {"type": "integer", "enum": list(POINTS)})


def judge_request(model: str, rubric: str, seen: Seen, params: Mapping[str, Any] | None = None) -> Request:
    """The question to the judge: the rubric as system message, question and answer as one user message.

    Args:
        model: the judge's name.
        rubric: what a good answer is.
        seen: the answer, and the messages that it answers.
        params: further fields of the body, e.g. `{"temperature": 0}`; the form is added to them.
    """
    messages = ({"role": "system", "content": rubric}, {"role": "user", "content": _to_grade(seen)})
    return Request(model, "chat", messages=messages, params={**(params or {}), "response_format": FORM})


def read_grade(response: Response) -> Grade:
    """The grade that a judge's reply holds; score None where it is not valid against the form."""
    try:
        score, why = filled_in(response, "score", POINTS)
    except Unreadable as fault:
        return Grade(None, str(fault))
    return Grade((score - POINTS.start) / (len(POINTS) - 1), why)


def _to_grade(seen: Seen) -> str:
    question = _last_user_text(seen.messages)
    text = f"Answer to grade:\n<<<\n{seen.text or ''}\n>>>"
    return f"Question: {question}\n{text}" if question else text


def _last_user_text(messages: tuple[Message, ...]) -> str:
    users = [message.get("content") for message in messages if message.get("role") == "user"]
    return users[-1] if users and isinstance(users[-1], str) else ""
