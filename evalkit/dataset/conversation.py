"""What a line of training data says, whatever its form: plain texts to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Conversation:
    """The texts of one example.

    Attributes:
        system: the texts of system and developer messages, in order.
        asked: the texts of the user's messages, in order; a legacy prompt is one. The values of `vars`, which
            fill in a template, belong to the last.
        answers: the texts of the assistant's messages, tool calls included; of a pair both answers.
        tags, group: as the line has them.
    """

    system: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    group: str | None = None

    @property
    def question(self) -> str:
        """All that the user says."""
        return "\n".join(self.asked)

    @property
    def whole(self) -> str:
        """Everything that is said, by speaker."""
        return "\n".join((*self.system, *self.asked, *self.answers))


class NotExample(ValueError):
    """The line holds no conversation; the message says what was found and what to write."""


def conversation(line: Any) -> Conversation:
    """A parsed line of training data, or of a suite's cases.

    Its form is one of four: `messages`, a preference pair (`input`), a legacy pair (`prompt`, `completion`),
    the short form (`ask`, `answer`).

    Raises:
        NotExample: it is none of these.
    """
    if not isinstance(line, Mapping):
        raise NotExample(f"found a {type(line).__name__}; write an object with messages")
    messages = _messages(line)
    group = line.get("group")
    return Conversation(
        system=tuple(_texts(messages, "system", "developer")),
        asked=_filled(tuple(_texts(messages, "user")), line.get("vars")),
        answers=tuple(_texts(messages, "assistant")),
        tags=tuple(tag for tag in _listed(line.get("tags")) if isinstance(tag, str)),
        group=group if isinstance(group, str) else None,
    )


def _messages(line: Json) -> list[Json]:
    if "ask" in line or "prompt" in line:
        ask, answer = line.get("ask", line.get("prompt")), line.get("answer", line.get("completion"))
        return [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
    if isinstance(pair := line.get("input"), Mapping):
        outputs = (pair.get("messages"), line.get("preferred_output"), line.get("non_preferred_output"))
        return _objects([message for output in outputs for message in _listed(output)])
    if not isinstance(line.get("messages"), list | tuple):
        raise NotExample('has no messages; write {"messages": [...]}, one example on each line')
    return _objects(line["messages"])


def _objects(messages: Sequence[Any]) -> list[Json]:
    if not all(isinstance(message, Mapping) for message in messages):
        raise NotExample('has a message that is no object; write {"role": ..., "content": ...}')
    return list(messages)


def _texts(messages: Sequence[Json], *roles: str) -> Iterator[str]:
    for message in messages:
        if message.get("role") in roles and (text := "\n".join(_said(message))):
            yield text


def _said(message: Json) -> Iterator[str]:
    """The text of a message, and each of its calls: the tool's name and its arguments."""
    content = message.get("content")
    if isinstance(content, str):
        yield content
    yield from (text for part in _listed(content) if isinstance(text := _get(part, "text"), str))
    calls = [*_listed(message.get("tool_calls")), {"function": message.get("function_call")}]
    for function in (_get(call, "function") for call in calls):
        if function is not None:
            yield f"{_get(function, 'name')} {_get(function, 'arguments')}"


def _filled(asked: tuple[str, ...], values: Any) -> tuple[str, ...]:
    """The last question with the values that its template is filled with."""
    if not isinstance(values, Mapping) or not values:
        return asked
    texts = [
        value if isinstance(value, str) else json.dumps(value, default=str)
        for _, value in sorted(values.items())
    ]
    return (*asked[:-1], "\n".join((*asked[-1:], *texts)))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _get(value: Any, key: str) -> Any:
    return value.get(key) if isinstance(value, Mapping) else None
