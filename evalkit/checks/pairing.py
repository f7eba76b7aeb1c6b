"""Which of two answers a judge takes for the better one: asked in both orders, it shows what place does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.checks.strict_json import NotJson, parse
from evalkit.endpoints.base import Request, Response

Choice = Literal["first", "second"]

FORM: Mapping[str, Any] = {
    "type": "json_schema",
    "json_schema": {
        "name": "choice",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"reason": {"type": "string"}, "better": {"enum": ["first", "second"]}},
            "required": ["reason", "better"],
            "additionalProperties": False,
        },
    },
}


@dataclass(frozen=True, slots=True)
class Versus:
    """Two answers, in the order in which they are shown, and what they answer."""

    first: str
    second: str
    question: str | None = None

    @property
    def swapped(self) -> Versus:
        """In the other order."""
        return Versus(self.second, self.first, self.question)


def pair_request(model: str, rubric: str, pair: Versus) -> Request:
    """The question to the judge: the rubric as system message, both answers as one user message."""
    asked = f"Question: {pair.question}\n" if pair.question else ""
    text = (
        f"{asked}First answer:\n<<<\n{pair.first}\n>>>\nSecond answer:\n<<<\n{pair.second}\n>>>\n"
        "Which of the two is better?"
    )
    messages = ({"role": "system", "content": rubric}, {"role": "user", "content": text})
    return Request(model, "chat", messages=messages, params={"response_format": FORM})


def read_choice(response: Response) -> Choice | None:
    """The choice that a judge's reply holds; None where it is not valid against the form."""
    try:
        form = parse(response.text or "")
    except NotJson:
        return None
    if not isinstance(form, dict) or form.keys() != {"reason", "better"}:
        return None
    return form["better"] if form["better"] in ("first", "second") else None
