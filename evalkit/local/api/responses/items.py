"""Items, of which the Responses API makes conversations: messages, calls, and what functions returned.

Items are kept as plain JSON with every field filled in, as `GET /v1/responses/{id}/input_items` gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from evalkit.local.chat_template import Message, Role, ToolCall
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, wrong_type
from evalkit.local.rows import new_id
from evalkit.local.tools import read_name, required_text

Item = dict[str, Any]
ROLES: dict[str, Role] = {
    "user": "user",
    "assistant": "assistant",
    "system": "system",
    "developer": "system",
}
TEXT_PARTS = {"input_text": "text", "output_text": "text", "refusal": "refusal"}
MOST_ITEMS = 10_000


def read_input(body: Fields) -> list[Item]:
    """Read `input`: a text, or a list of items.

    Raises:
        ApiError: an item is wrong, or of a kind that this server does not have.
    """
    given = body.required("input")
    if isinstance(given, str):
        return [_message("user", given)]
    if not isinstance(given, list):
        raise wrong_type("input", "a string or an array of input items", given)
    return [_read_item(item) for item in body.objects("input", most=MOST_ITEMS)]


def messages_of(items: Sequence[Item]) -> list[Message]:
    """Turn items into the turns of a chat: what the assistant says and then calls is one turn.

    Raises:
        ApiError: a call is not answered, or an answer has no call.
    """
    _check_answers(items)
    turns: list[Message] = []
    for item in items:
        if item["type"] == "function_call_output":
            turns.append(Message("tool", _text(item["output"])))
        elif item["type"] == "message":
            turns.append(Message(ROLES[item["role"]], _text(item["content"])))
        else:
            said = turns.pop() if turns and turns[-1].role == "assistant" else Message("assistant", "")
            call = ToolCall(item["name"], item["arguments"])
            turns.append(Message("assistant", said.text, tool_calls=(*said.tool_calls, call)))
    return turns


def _check_answers(items: Sequence[Item]) -> None:
    due: set[str] = set()
    for item in items:
        if item["type"] == "function_call":
            due.add(item["call_id"])
        elif item["type"] == "function_call_output":
            if item["call_id"] not in due:
                what = f"No tool call found for function call output with call_id {item['call_id'][:80]}."
                raise ApiError(what, param="input")
            due.remove(item["call_id"])
    for id in sorted(due):
        raise ApiError(f"No tool output found for function call {id[:80]}.", param="input")


def _read_item(item: Fields) -> Item:
    if item.get("type") is None:  # a message need not say that it is one
        return _read_message(item)
    return _READERS[item.choice("type", tuple(_READERS))](item)


def _read_message(item: Fields) -> Item:
    item.only("type", "id", "status", "role", "content", "phase")
    role = item.choice("role", tuple(ROLES))
    content = item.required("content")
    return _message(role, content if isinstance(content, str) else _read_parts(item, "content"))


def _read_call(item: Fields) -> Item:
    item.only("type", "id", "status", "call_id", "name", "arguments", "caller", "namespace")
    return {
        "id": new_id("fc_"),
        "type": "function_call",
        "status": "completed",
        "call_id": required_text(item, "call_id"),
        "name": read_name(item),
        "arguments": required_text(item, "arguments"),
    }


def _read_output(item: Fields) -> Item:
    item.only("type", "id", "status", "call_id", "output", "name", "caller", "namespace")
    output = item.required("output")
    return {
        "id": new_id("fco_"),
        "type": "function_call_output",
        "status": "completed",
        "call_id": required_text(item, "call_id"),
        "output": output if isinstance(output, str) else _read_parts(item, "output"),
    }


_READERS: Mapping[str, Callable[[Fields], Item]] = {
    "message": _read_message,
    "function_call": _read_call,
    "function_call_output": _read_output,
}


def _read_parts(holder: Fields, name: str) -> str:
    """Read a list of parts that are text; they are put together."""
    if not isinstance(holder.get(name), list):
        raise wrong_type(holder.place(name), "a string or an array of objects", holder.get(name))
    parts = [] if not holder.get(name) else list(holder.objects(name))
    return "".join(required_text(part, TEXT_PARTS[part.choice("type", tuple(TEXT_PARTS))]) for part in parts)


def _message(role: str, text: str) -> Item:
    if role == "assistant":
        part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    else:
        part = {"type": "input_text", "text": text}
    return {
        "id": new_id("msg_"),
        "type": "message",
        "status": "completed",
        "role": role,
        "content": [part],
    }


def _text(content: str | Sequence[Mapping[str, Any]]) -> str:
    """Give the text of an item's content."""
    return content if isinstance(content, str) else "".join(part["text"] for part in content)
