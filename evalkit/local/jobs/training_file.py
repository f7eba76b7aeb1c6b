"""Reading training files: OpenAI's chat lines, or legacy prompt-completion pairs, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.local.backend import Template
from evalkit.local.chat_template import Lesson, Message, Role, text_of
from evalkit.local.http.validate import shown

FEWEST = 10  # examples that a job needs, as at OpenAI
ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
Conversation = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A legacy example."""

    prompt: str
    completion: str


Example = Conversation | Pair


class BadTrainingFile(Exception):
    """A file that cannot be trained on, in the words of a failed job's `error`."""

    def __init__(self, code: str, message: str, param: str = "training_file"):
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def count_examples(path: Path, param: str = "training_file", fewest: int = FEWEST) -> int:
    """Read a whole file to see whether it can be used; keeps none of it.

    Raises:
        BadTrainingFile: a line is not an example, or there are too few.
    """
    try:
        count = sum(1 for _ in read_examples(path))
    except BadTrainingFile as fault:
        raise BadTrainingFile(fault.code, fault.message, param) from fault
    if count < fewest:
        called = param.replace("_", " ").capitalize()
        message = f"{called} has {count} example(s), but must have at least {fewest} examples"
        raise BadTrainingFile("invalid_n_examples", message, param)
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """Read a training file line by line; blank lines are skipped.

    Raises:
        BadTrainingFile: names the first line that is not an example, and why.
    """
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                try:
                    yield _example(line)
                except RecursionError:
                    raise _bad_line(number, "nested too deeply") from None
                except ValueError as fault:
                    raise _bad_line(number, fault) from fault


def _bad_line(number: int, what: object) -> BadTrainingFile:
    message = f"The job failed due to an invalid training file. Invalid file format. Line {number}: {what}"
    return BadTrainingFile("invalid_training_file", message)


def lesson(template: Template, example: Example) -> Lesson:
    """Lay an example out as tokens to learn from."""
    if isinstance(example, Pair):
        return template.text_lesson(example.prompt, example.completion)
    return template.lesson(example)


def _example(line: bytes) -> Example:
    parsed = json.loads(line.decode("utf-8"))
    if not isinstance(parsed, dict):
        raise ValueError('expected an object such as {"messages": [...]}')
    if "messages" in parsed:
        return _conversation(parsed)
    prompt, completion = parsed.get("prompt"), parsed.get("completion")
    if not isinstance(prompt, str) or not isinstance(completion, str):
        raise ValueError('expected "messages", or "prompt" and "completion" as texts')
    return Pair(prompt, completion)


def _conversation(parsed: dict[str, Any]) -> Conversation:
    for name in ("tools", "functions"):
        if parsed.get(name):
            raise ValueError(f'"{name}" is not supported by this server yet')
    messages = parsed["messages"]
    if not isinstance(messages, list) or not messages:
        raise ValueError('"messages" must be a list with at least one message')
    conversation = tuple(_message(at, message) for at, message in enumerate(messages))
    if not any(message.role == "assistant" and message.weight for message in conversation):
        raise ValueError("there is no assistant message to learn from")
    return conversation


def _message(at: int, message: Any) -> Message:
    if not isinstance(message, dict):
        raise ValueError(f"message {at}: expected an object")
    role, weight = message.get("role"), message.get("weight", 1)
    text = text_of(message.get("content"))
    if not isinstance(role, str) or role not in ROLES:
        raise ValueError(f"message {at}: role {shown(role)} is none of {', '.join(ROLES)}")
    if text is None:
        raise ValueError(f'message {at}: "content" must be a text')
    if isinstance(weight, bool) or weight not in (0, 1):
        raise ValueError(f"message {at}: weight {shown(weight)} is neither 0 nor 1")
    return Message(ROLES[role], text, float(weight))
