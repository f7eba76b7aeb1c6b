"""Reading the messages of a chat: roles, texts, calls, and what tools returned."""

from __future__ import annotations

from collections.abc import Sequence

from evalkit.local.chat_template import Message, Role, text_of
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, wrong_type
from evalkit.local.tools import read_call_ids, read_calls

ROLES: dict[str, Role] = {
    "system": "system",
    "assistant": "assistant",
    "user": "user",
    "function": "tool",
    "tool": "tool",
    "developer": "system",
}
KNOWN = ("role", "content", "name")
KNOWN_BY_ROLE = {
    "assistant": ("refusal", "tool_calls", "function_call", "audio", "annotations"),
    "tool": ("tool_call_id",),
}


def read_messages(body: Fields) -> tuple[Message, ...]:
    """Read `messages`.

    Raises:
        ApiError: one is wrong, a call is not answered, or an answer has no call.
    """
    messages = list(body.objects("messages"))
    read = tuple(_read_message(message) for message in messages)
    _check_answers(messages)
    return read


def _read_message(message: Fields) -> Message:
    name = message.choice("role", tuple(ROLES))
    message.only(*KNOWN, *KNOWN_BY_ROLE.get(name, ()))
    calls = read_calls(message) if name == "assistant" else ()
    return Message(
        ROLES[name], _read_text(message, optional=bool(calls) or name == "function"), tool_calls=calls
    )


def _read_text(message: Fields, *, optional: bool) -> str:
    message.unsupported({"audio": ()})
    refusal = message.text("refusal", None)
    content = message.get("content")
    if content is None and (optional or refusal is not None):
        return refusal or ""
    text = text_of(message.required("content"))
    if text is None:
        expected = "a string or an array of content parts of type 'text'"
        raise wrong_type(message.place("content"), expected, content)
    return text


def _check_answers(messages: Sequence[Fields]) -> None:
    """Hold each message of role tool to a call, and each call to an answer."""
    due: set[str] = set()
    open_ = False
    for at, message in enumerate(messages):
        if message.get("role") == "tool":
            _check_answer(message, at, due, open_)
        else:
            _check_none_due(due, at)
            due = set(read_call_ids(message)) if message.get("role") == "assistant" else set()
            open_ = bool(due)
    _check_none_due(due, len(messages) - 1)


def _check_answer(message: Fields, at: int, due: set[str], open_: bool) -> None:
    message.required("tool_call_id")
    if not open_:
        raise ApiError(
            "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with "
            "'tool_calls'.",
            param=f"messages.[{at}].role",
        )
    answered = message.text("tool_call_id", "")
    if answered not in due:
        raise ApiError(
            f"Invalid parameter: 'tool_call_id' of '{answered[:80]}' not found in 'tool_calls' of previous "
            "message.",
            param=f"messages.[{at}].tool_call_id",
        )
    due.remove(answered)


def _check_none_due(due: set[str], at: int) -> None:
    if due:
        raise ApiError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            "'tool_call_id'. The following tool_call_ids did not have response messages: "
            f"{', '.join(sorted(due))[:400]}",
            param=f"messages.[{at}].role",
        )
