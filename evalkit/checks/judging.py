"""How a judge model is asked, and how its reply is read: pure functions.

The reply is a form, held to a JSON Schema by the server and read strictly: free text is never searched for a
mark.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.checks.base import Grade, Seen
from evalkit.checks.fields import shown
from evalkit.checks.strict_json import NotJson, parse
from evalkit.endpoints.base import Message, Request, Response

POINTS = range(1, 6)

FORM: Mapping[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "grade",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "enum": list(POINTS)}},
            "required": ["reason", "score"],
            "additionalProperties": False,
        },
    },
}


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
    if response.refusal:
        return Grade(None, f"the judge refused: {response.refusal[:200]}")
    if response.finish_reason == "length":
        return Grade(None, "the judge's reply was cut off: allow it more tokens")
    try:
        form = parse(response.text or "")
    except NotJson as error:
        return Grade(None, f"the judge's reply is no JSON: {error}")
    if not _valid(form):
        return Grade(None, f"the judge's reply is not the form asked for: {shown(form)}")
    return Grade((form["score"] - POINTS.start) / (len(POINTS) - 1), form["reason"])


def _valid(form: Any) -> bool:
    return (
        isinstance(form, dict)
        and form.keys() == {"reason", "score"}
        and isinstance(form["reason"], str)
        and type(form["score"]) is int  # true is no score
        and form["score"] in POINTS
    )


def _to_grade(seen: Seen) -> str:
    question = _last_user_text(seen.messages)
    text = f"Answer to grade:\n<<<\n{seen.text or ''}\n>>>"
    return f"Question: {question}\n{text}" if question else text


def _last_user_text(messages: tuple[Message, ...]) -> str:
    users = [message.get("content") for message in messages if message.get("role") == "user"]
    return users[-1] if users and isinstance(users[-1], str) else ""
