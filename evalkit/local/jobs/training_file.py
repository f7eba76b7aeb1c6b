"""Training files: chats, pairs of a better and a worse answer (DPO), or legacy prompts and completions.

`evalkit.dataset.rules` says what a good line is, so that `evalkit dataset check` and a failed job agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.dataset.lines import Line, read_lines
from evalkit.dataset.reading import read
from evalkit.dataset.rules import Form, findings_of, form_of
from evalkit.local.chat_template import Message, Role, Tool, text_of
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields
from evalkit.local.rows import Method
from evalkit.local.tools import read_calls, read_tools

FEWEST = 10  # examples that a job needs, as at OpenAI
ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
FORMS: Mapping[Method, tuple[Form, ...]] = {"supervised": ("chat", "pair"), "dpo": ("preference",)}


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation whose assistant is to be imitated."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """A conversation with a better and a worse next message."""

    messages: tuple[Message, ...]
    tools: tuple[Tool, ...]
    better: Message
    worse: Message


@dataclass(frozen=True, slots=True)
class Pair:
    """A legacy example."""

    prompt: str
    completion: str


Example = Chat | Choice | Pair


class BadTrainingFile(Exception):
    """A file that cannot be trained on, in the words of a failed job's `error`."""

    def __init__(self, code: str, message: str, param: str = "training_file"):
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def count_examples(path: Path, method: Method, param: str = "training_file", fewest: int = FEWEST) -> int:
    """Read a whole file to see whether it can be used; keeps none of it.

    Args:
        path: the file.
        method: what it is for, which says what its lines must be.
        param: which of the job's files it is.
        fewest: examples that it must have.

    Raises:
        BadTrainingFile: a line is not an example, or not of the form of the others, or there are too few.
    """
    count, form = 0, None
    for line in _filled(path):
        form = _checked(line, method, form, param)
        count += 1
    if count < fewest:
        called = param.replace("_", " ").capitalize()
        message = f"{called} has {count} example(s), but must have at least {fewest} examples"
        raise BadTrainingFile("invalid_n_examples", message, param)
    return count


def read_examples(path: Path) -> Iterator[Example]:
    """Read a file that `count_examples` found good.

    Raises:
        BadTrainingFile: it was not.
    """
    for line in _filled(path):
        yield _example(line, "training_file")


def _filled(path: Path) -> Iterator[Line]:
    return (line for line in read_lines(path) if line.raw.strip())


def _checked(line: Line, method: Method, earlier: Form | None, param: str) -> Form:
    """Make sure that a line is an example of the form of the lines before it; give its form."""
    for finding in findings_of(line.number, line.raw):
        if finding.severity == "error":
            raise _bad_line(line.number, finding, param)
    form = form_of(read(line.raw).value)
    if form not in FORMS[method]:
        expected = '{"input", "preferred_output", "non_preferred_output"}' if method == "dpo" else "messages"
        raise _bad_line(line.number, f"a {method} job learns from {expected}, but this is a {form}", param)
    if earlier and form != earlier:
        raise _bad_line(line.number, f"mixed_formats: a {form} after lines of the form {earlier}", param)
    _example(line, param)
    return form


def _bad_line(number: int, what: object, param: str) -> BadTrainingFile:
    called = param.replace("_", " ")
    message = f"The job failed due to an invalid {called}. Invalid file format. Line {number}: {what}"
    return BadTrainingFile("invalid_training_file", message, param)


def _example(line: Line, param: str) -> Example:
    parsed = read(line.raw).value
    try:
        if "messages" in parsed:
            return Chat(_messages(parsed["messages"], "messages"), read_tools(Fields(parsed)))
        if "prompt" in parsed:
            return Pair(parsed["prompt"], parsed["completion"])
        return _choice(parsed)
    except ApiError as fault:
        raise _bad_line(line.number, fault.message, param) from fault
    except RecursionError:
        raise _bad_line(line.number, "nested too deeply", param) from None


def _choice(parsed: Mapping[str, Any]) -> Choice:
    asked = parsed["input"]
    (better,), (worse,) = (
        _messages(parsed[name], name) for name in ("preferred_output", "non_preferred_output")
    )
    context = tuple(
        replace(message, weight=0.0) for message in _messages(asked["messages"], "input.messages")
    )
    tools = read_tools(Fields(asked, "input"))
    return Choice(context, tools, replace(better, weight=1.0), replace(worse, weight=1.0))


def _messages(messages: Sequence[Mapping[str, Any]], place: str) -> tuple[Message, ...]:
    return tuple(_message(Fields(message, f"{place}[{at}]")) for at, message in enumerate(messages))


def _message(message: Fields) -> Message:
    content = message.get("content")
    text = "" if content is None else text_of(content)
    if text is None:
        raise ApiError(f"{message.place('content')}: this server learns from texts only")
    weight = message.get("weight")
    return Message(
        ROLES[message.get("role")],
        text,
        weight=1.0 if weight is None else float(weight),
        tool_calls=read_calls(message),
    )
