"""Reading a request of the Responses API: as a chat, and what its response repeats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.api.chat.request import MOST_LOGPROBS, ChatRequest
from evalkit.local.api.forms import form_of, read_choice, read_json_form
from evalkit.local.api.responses.items import Item, messages_of, read_input
from evalkit.local.api.sampling import Sampling, read_model
from evalkit.local.chat_template import Message, Tool
from evalkit.local.grammar import ANY_OBJECT, JsonForm
from evalkit.local.http.errors import ApiError
from evalkit.local.http.metadata import read_metadata
from evalkit.local.http.validate import Fields, shown
from evalkit.local.rows import StoredResponse
from evalkit.local.store import Store
from evalkit.local.tools import read_flat_tools

LOGPROBS = "message.output_text.logprobs"
INCLUDED = (LOGPROBS, "reasoning.encrypted_content")  # there is no reasoning
LEAST_TOKENS = 16  # as at OpenAI
IGNORED = ("user", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "max_tool_calls")
UNSUPPORTED: dict[str, tuple[Any, ...]] = {  # with the values that ask for nothing
    "background": (False,),
    "conversation": (),
    "context_management": (),
    "moderation": (),
    "prompt": (),
    "prompt_cache_options": ({},),
    "reasoning": ({},),
    "service_tier": ("auto", "default"),
    "truncation": ("disabled",),
}
KNOWN = (
    *("model", "input", "instructions", "previous_response_id", "store", "metadata", "include"),
    *("tools", "tool_choice", "parallel_tool_calls", "text", "stream", "stream_options"),
    *("temperature", "top_p", "max_output_tokens", "top_logprobs"),
)


@dataclass(frozen=True, slots=True)
class ResponseRequest:
    """A request as it was read.

    Attributes:
        chat: what is asked of the model.
        items: the whole conversation that it is asked about.
        store: whether the response is kept.
        repeated: the fields of the request that its response repeats.
    """

    chat: ChatRequest
    items: Sequence[Item]
    store: bool
    repeated: Mapping[str, Any]


def previous_items(body: Fields, store: Store) -> list[Item]:
    """Give the conversation up to the end of the response that this one goes on from.

    Raises:
        ApiError: there is no such response.
    """
    id = body.text("previous_response_id", None)
    if id is None:
        return []
    found = store.get(StoredResponse, id)
    if found is None:
        raise ApiError(
            f"Previous response with id '{id[:80]}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
        )
    return [*found.items, *found.body["output"]]


def read_response(body: Fields, before: Sequence[Item]) -> ResponseRequest:
    """Read a request body, and what the conversation was before it.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported.
    """
    model = read_model(body)
    body.only(*KNOWN, *IGNORED, *UNSUPPORTED)
    body.unsupported(UNSUPPORTED)
    items = [*before, *read_input(body)]
    instructions = body.text("instructions", None)
    system = [Message("system", instructions)] if instructions else []
    messages = (*system, *messages_of(items))
    tools = read_flat_tools(body)
    choice = read_choice(body, tools, flat=True)
    chat = ChatRequest(
        model=model,
        messages=messages,
        tools=tools,
        form=form_of(_read_format(body, messages), tools, choice),
        max_tokens=body.integer("max_output_tokens", None, low=LEAST_TOKENS),
        sampling=_read_sampling(body),
        logprobs=_read_logprobs(body),
    )
    return ResponseRequest(chat, items, body.boolean("store", True), _repeated(body, chat, instructions))


def _read_sampling(body: Fields) -> Sampling:
    options = body.object("stream_options")
    if options is not None:
        options.only("include_obfuscation")
    return Sampling(
        temperature=body.number("temperature", 1.0, low=0, high=2),
        top_p=body.number("top_p", 1.0, low=0, high=1),
        stream=body.boolean("stream"),
    )


def _read_logprobs(body: Fields) -> int | None:
    included = body.get("include") or []
    if not isinstance(included, list) or not all(name in INCLUDED for name in included):
        options = ", ".join(f"'{name}'" for name in INCLUDED)
        raise ApiError(
            f"Invalid value: {shown(included)}. Supported values are: {options}.",
            param="include",
            code="invalid_value",
        )
    top = body.integer("top_logprobs", 0, low=0, high=MOST_LOGPROBS)
    return top if LOGPROBS in included else None


def _read_format(body: Fields, messages: Sequence[Message]) -> JsonForm | None:
    text = body.object("text")
    if text is None:
        return None
    text.only("format", "verbosity")
    text.unsupported({"verbosity": ("medium",)})
    form = text.object("format")
    if form is None:
        return None
    read = read_json_form(form, form, "text.format.schema")
    if read and read.schema is ANY_OBJECT and not any("json" in message.text.lower() for message in messages):
        raise ApiError(
            "Response input messages must contain the word 'json' in some form to use 'text.format' of type "
            "'json_object'.",
            param="input",
        )
    return read


def _repeated(body: Fields, chat: ChatRequest, instructions: str | None) -> dict[str, Any]:
    """Give what the response says of the request, defaults filled in."""
    text = body.get("text") or {}
    return {
        "instructions": instructions,
        "max_output_tokens": chat.max_tokens,
        "max_tool_calls": body.integer("max_tool_calls", None, low=1),
        "metadata": read_metadata(body) or {},
        "parallel_tool_calls": body.boolean("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "store": body.boolean("store", True),
        "temperature": chat.sampling.temperature,
        "text": {**text, "format": text.get("format") or {"type": "text"}},
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": [_tool(tool) for tool in chat.tools],
        "top_logprobs": body.get("top_logprobs") or 0,
        "top_p": chat.sampling.top_p,
    }


def _tool(tool: Tool) -> dict[str, Any]:
    return {
        "type": "function",
        "name": tool.name,
        "description": tool.description or None,
        "parameters": tool.parameters,
        "strict": tool.strict,
    }
