"""The rules for messages: one by one, and in their order."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from evalkit.dataset.finding import Fault
from evalkit.dataset.shown import shown
from evalkit.dataset.tools import call_faults, calls_of

ROLES = ("system", "user", "assistant", "tool", "function")
KEYS = {
    "role",
    "content",
    "name",
    "weight",
    "function_call",
    "tool_calls",
    "tool_call_id",
    "refusal",
    "audio",
}
PARTS = {
    "text": "text",
    "refusal": "refusal",
    "image_url": "image_url",
    "input_audio": "input_audio",
    "file": "file",
}
"""The kinds of a content's parts, each with the key that holds what it shows."""

_NAME = re.compile(r"[^\s<|\\/>]{1,64}")


def conversation_faults(messages: Sequence[Any], at: str, tools: frozenset[str] | None) -> Iterator[Fault]:
    """The faults of every message, and of calls and results that do not fit together.

    Args:
        messages: as they stand in the line.
        at: the field that holds them, e.g. `input.messages`.
        tools: the names of the functions that the example declares; None where that cannot be told.
    """
    odd = [i for i, message in enumerate(messages) if not _plain(message)]
    for i in odd:
        yield from message_faults(messages[i], f"{at}[{i}]")
    if odd:
        yield from _tool_faults([message for message in messages if isinstance(message, dict)], at, tools)


def _plain(message: Any) -> bool:
    """Whether it is a role and a text and nothing else, as nearly all messages are: no rule need be asked."""
    if type(message) is not dict or len(message) != 2:
        return False
    content = message.get("content")
    if type(content) is not str or not content or content.isspace():
        return False
    return message.get("role") in ("system", "user", "assistant")


def message_faults(message: Any, at: str) -> Iterator[Fault]:
    """What is wrong with one message by itself; `at` is its field, e.g. `messages[2]`."""
    if not isinstance(message, dict):
        yield Fault("invalid_message", f"{at}: found {shown(message)}", 'write {"role": ..., "content": ...}')
        return
    yield from _key_faults(message, at)
    yield from _role_faults(message, at)
    yield from _content_faults(message, at)
    yield from _weight_faults(message, at)
    yield from _name_faults(message, at)
    yield from call_faults(message, at)


def _key_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    if "role" not in message:
        yield Fault("message_missing_key", f"{at}: has no role", f"write one of {', '.join(ROLES)}")
    if "content" not in message and not _speaks_without_content(message):
        yield Fault("message_missing_key", f"{at}: has no content", 'write "content": "..."')
    for key in message.keys() - KEYS:
        what = f"{at}: found the key {shown(key)}"
        yield Fault(
            "message_unrecognized_key", what, f"leave it out, or write one of {', '.join(sorted(KEYS))}"
        )


def _speaks_without_content(message: Mapping[str, Any]) -> bool:
    """Whether an assistant message says something by other means than its content."""
    by_other_means = ("tool_calls", "function_call", "refusal", "audio")
    return message.get("role") == "assistant" and any(message.get(key) for key in by_other_means)


def _role_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    role = message.get("role", "user")
    if role == "developer":
        yield Fault("developer_role", f"{at}.role: found developer", "write system")
    elif role not in ROLES:
        yield Fault(
            "unrecognized_role", f"{at}.role: found {shown(role)}", f"write one of {', '.join(ROLES)}"
        )


def _content_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    content = message.get("content")
    if isinstance(content, list) and content:
        yield from _part_faults(content, f"{at}.content")
    elif isinstance(content, str) and content:
        if content.isspace() and message.get("role") == "assistant":
            yield Fault("empty_answer", f"{at}.content: found nothing but white space", "write an answer")
    elif "content" in message and not _may_be_silent(message, content):
        yield Fault("missing_content", f"{at}.content: found {shown(content)}", "write a text")


def _may_be_silent(message: Mapping[str, Any], content: Any) -> bool:
    """Null or "" stands for nothing to say beside a call; a tool may have returned "" too."""
    returned_nothing = content == "" and message.get("role") in ("tool", "function")
    return returned_nothing or (content in (None, "") and _speaks_without_content(message))


def _part_faults(parts: Sequence[Any], at: str) -> Iterator[Fault]:
    for i, part in enumerate(parts):
        kind = part.get("type") if isinstance(part, dict) else None
        if not isinstance(kind, str) or kind not in PARTS:
            what, remedy = f"{at}[{i}]: found {shown(part)}", 'write {"type": "text", "text": "..."}'
            yield Fault("invalid_content", what, remedy)
        elif not isinstance(part.get(PARTS[kind]), str if kind in ("text", "refusal") else dict):
            what = f"{at}[{i}].{PARTS[kind]}: found {shown(part.get(PARTS[kind]))}"
            yield Fault("invalid_content", what, f'write what "type": "{kind}" announces')


def _weight_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    if "weight" not in message:
        return
    weight = message["weight"]
    if isinstance(weight, bool) or weight not in (0, 1):
        what = f"{at}.weight: found {shown(weight)}"
        yield Fault("invalid_weight", what, "write 1 to learn from the message, 0 not to")
    elif message.get("role") != "assistant":
        what = f"{at}.weight: stands on a message that is not the assistant's"
        yield Fault("weight_without_effect", what, "remove it")


def _name_faults(message: Mapping[str, Any], at: str) -> Iterator[Fault]:
    name = message.get("name")
    if "name" not in message:
        if message.get("role") == "function":
            yield Fault("message_missing_key", f"{at}: has no name", "name the function that returned this")
    elif not isinstance(name, str) or not _NAME.fullmatch(name):
        remedy = "write 1 to 64 characters without spaces and < | \\ / >"
        yield Fault("invalid_name", f"{at}.name: found {shown(name)}", remedy)


def _tool_faults(
    messages: Sequence[Mapping[str, Any]], at: str, tools: frozenset[str] | None
) -> Iterator[Fault]:
    """Calls of undeclared tools, results that answer no call, calls that get no result."""
    open_calls: set[str] = set()
    made: set[str] = set()
    for message in messages:
        role, answered = message.get("role"), message.get("tool_call_id")
        if role == "tool":
            yield from _result_faults(answered, made, at)
            open_calls.discard(str(answered))
        elif open_calls:
            what = f"{at}: the call {shown(min(open_calls))} has no result before the next message"
            yield Fault("unanswered_tool_call", what, 'add a message {"role": "tool", "tool_call_id": ...}')
            open_calls = set()
        for call in calls_of(message):
            open_calls |= call.ids
            made |= call.ids
            if tools is not None and call.name and call.name not in tools:
                what = f"{at}: {shown(call.name)} is called, but not declared"
                yield Fault(
                    "undeclared_tool",
                    what,
                    f"declare it under tools ({', '.join(sorted(tools)) or 'none'})"[:120],
                )


def _result_faults(answered: Any, made: set[str], at: str) -> Iterator[Fault]:
    if not isinstance(answered, str) or not answered:
        remedy = 'write "tool_call_id": the id of the call'
        yield Fault("missing_tool_call_id", f"{at}: a tool's result has no tool_call_id", remedy)
    elif answered not in made:
        what = f"{at}: tool_call_id {shown(answered)} is no call that was made before"
        yield Fault(
            "unknown_tool_call_id",
            what,
            f"write the id of a call ({', '.join(sorted(made)) or 'none'})"[:120],
        )
