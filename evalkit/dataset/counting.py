"""How many tokens an example is: by the script's formula where the script counts, and sensibly elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import tiktoken

from evalkit.dataset.rules import Form
from evalkit.tokens import EMBEDDED

KEPT_TEXTS, LONGEST_KEPT = 256, 65_536
"""System prompts come back in every example: so many texts of at most so many characters are remembered."""

_BLANKS = re.compile(r"(\s{999998})")  # tiktoken 0.14 panics on longer runs of white space


@dataclass(frozen=True, slots=True)
class Meter:
    """How a model counts.

    Attributes:
        length: the tokens of a text; special tokens in it are read as plain text.
        per_message, per_name, per_example: what is added for each message, name and conversation.
    """

    length: Callable[[str], int]
    per_message: int = 3
    per_name: int = 1
    per_example: int = 3


class Figures(NamedTuple):
    """The size of one example.

    Attributes:
        messages: how many there are, both outputs of a preference pair included; None in a legacy pair.
        tokens: of all of it but the tools' declarations, which the script does not count.
        assistant: tokens of what the assistant says, calls included.
        answer: those of its last message: what one call to the model gives back.
        system: tokens of system messages, which a long prompt would take the place of.
        tools: about as many tokens the tools' declarations are.
    """

    messages: int | None
    tokens: int
    assistant: int
    answer: int
    system: int = 0
    tools: int = 0


def meter_of(encoding: tiktoken.Encoding) -> Meter:
    """How the models of an encoding count: the embedded by their own template, others by the script."""

    @lru_cache(maxsize=KEPT_TEXTS)
    def kept(text: str) -> int:
        return len(encode(text))

    def length(text: str) -> int:
        if len(text) <= LONGEST_KEPT:
            return kept(text)
        return sum(len(encode(piece)) for piece in _BLANKS.split(text))

    encode = encoding.encode_ordinary
    if encoding.name == EMBEDDED:  # <|im_start|>role\ntext<|im_end|>\n
        return Meter(length, 2 + 2 * length("\n"), 0, 0)
    return Meter(length)


def figures(example: Mapping[str, Any], form: Form, meter: Meter) -> Figures | None:
    """The size of an example; None where it is too malformed to have one."""
    if form == "pair":
        return _pair(example, meter)
    asked = example if form == "chat" else example.get("input")
    if not isinstance(asked, dict):
        return None
    messages = asked.get("messages")
    if messages in ({}, ""):  # the script takes them for empty lists
        messages = []
    names = ("preferred_output", "non_preferred_output") if form == "preference" else ()
    outputs = [output for name in names if isinstance(output := example.get(name), list)]
    if not isinstance(messages, list) or len(outputs) < len(names):
        return None
    return _conversation(messages, outputs, _tool_tokens(asked, meter), meter)


def _pair(example: Mapping[str, Any], meter: Meter) -> Figures | None:
    prompt, completion = example.get("prompt"), example.get("completion")
    if not isinstance(prompt, str) or not isinstance(completion, str):
        return None
    answer = meter.length(completion)
    return Figures(None, meter.length(prompt) + answer, answer, answer)


def _conversation(asked: list[Any], outputs: Sequence[list[Any]], tools: int, meter: Meter) -> Figures:
    """`outputs`: both answers of a preference pair, the better first; () where the answer is in `asked`."""
    tokens, assistant, answer, system = meter.per_example, 0, 0, 0
    answers_at = len(asked) + len(outputs[0]) - 1 if outputs else -1  # the better answer, wherever it stands
    messages = [*asked, *(message for output in outputs for message in output)]
    for place, message in enumerate(messages):
        if isinstance(message, dict):
            whole, said = _message(message, meter)
            tokens += whole
            if message.get("role") == "assistant":
                assistant += said
                answer = said if not outputs or place == answers_at else answer
            elif message.get("role") == "system":
                system += whole
    return Figures(len(messages), tokens, assistant, answer, system, tools)


def _message(message: dict[str, Any], meter: Meter) -> tuple[int, int]:
    """The tokens of a whole message, and those of what it says: its content and its calls."""
    whole, said = meter.per_message, 0
    for key, value in message.items():
        if isinstance(value, str):
            length = meter.length(value)
            said += length if key == "content" else 0
        else:
            length = _other(key, value, meter)
            said += length
        whole += length
    return whole + (meter.per_name if "name" in message else 0), said


def _other(key: str, value: Any, meter: Meter) -> int:
    """What the script stops at: parts of content, and calls. Whatever else is no text is no token."""
    texts: Iterable[Any] = ()
    if key == "content" and isinstance(value, list):
        texts = (part.get("text") for part in value if isinstance(part, dict))
    elif key == "function_call":
        texts = _called(value)
    elif key == "tool_calls" and isinstance(value, list):
        texts = (text for call in value if isinstance(call, dict) for text in _called(call.get("function")))
    return sum(meter.length(text) for text in texts if isinstance(text, str))


def _called(function: Any) -> tuple[Any, ...]:
    return (function.get("name"), function.get("arguments")) if isinstance(function, dict) else ()


def _tool_tokens(asked: Mapping[str, Any], meter: Meter) -> int:
    """The declarations as compact JSON: OpenAI's own form is not published."""
    declared = [asked[name] for name in ("tools", "functions") if asked.get(name)]
    return sum(meter.length(json.dumps(tools, separators=(",", ":"))) for tools in declared)
