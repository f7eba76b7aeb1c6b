"""Reading the request of a chat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.local.api.chat.messages import read_messages
from evalkit.local.api.forms import form_of, read_choice, read_function_choice, read_json_form
from evalkit.local.api.sampling import OPENAIS_DEFAULTS, SHARED, Sampling, read_model, read_sampling
from evalkit.local.chat_template import Message, Tool
from evalkit.local.grammar import ANY_OBJECT, ANYTHING, Form, JsonForm
from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields
from evalkit.local.tools import read_tools

UNSUPPORTED: dict[str, tuple[Any, ...]] = {  # with the values that ask for nothing
    "modalities": (["text"],),
    "service_tier": ("auto", "default"),
    "audio": (),
    "prediction": (),
    "reasoning_effort": (),
    "verbosity": (),
    "web_search_options": (),
    "moderation": (),
}
TOOLS = ("tools", "tool_choice", "parallel_tool_calls")
OLDER_TOOLS = ("functions", "function_call")
LENGTH = ("max_tokens", "max_completion_tokens")
KNOWN = ("messages", "logprobs", "top_logprobs", "response_format", *LENGTH, *TOOLS, *OLDER_TOOLS)
MOST_LOGPROBS = 20


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A request as it was read.

    Attributes:
        tools: what the model is shown.
        form: what the answer has to look like.
        max_tokens: None = as many as there is room for.
        logprobs: how many alternatives to report with each token; None = none.
        older: whether `functions` were asked for, whose one call is answered as `function_call`.
    """

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    form: Form = ANYTHING
    max_tokens: int | None = None
    sampling: Sampling = OPENAIS_DEFAULTS
    logprobs: int | None = None
    older: bool = False


def read_chat(body: Fields) -> ChatRequest:
    """Read a request body.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported.
    """
    model = read_model(body)
    body.only(*SHARED, *UNSUPPORTED, *KNOWN)
    body.unsupported(UNSUPPORTED)
    tools, older = read_tools(body), any(body.get(name) is not None for name in OLDER_TOOLS)
    choice = read_function_choice(body, tools) if older else read_choice(body, tools, flat=False)
    messages = read_messages(body)
    return ChatRequest(
        model=model,
        messages=messages,
        tools=tools,
        form=form_of(_read_response_format(body, messages), tools, choice),
        max_tokens=_read_max_tokens(body),
        sampling=read_sampling(body),
        logprobs=_read_logprobs(body),
        older=older,
    )


def _read_response_format(body: Fields, messages: Sequence[Message]) -> JsonForm | None:
    form = body.object("response_format")
    if form is None:
        return None
    if form.get("type") == "json_schema":
        form.required("json_schema")
    named = form.object("json_schema") or form
    read = read_json_form(form, named, "response_format")
    if read and read.schema is ANY_OBJECT:
        check_json_is_named("messages", "response_format", messages)
    return read


def check_json_is_named(where: str, field: str, messages: Sequence[Message]) -> None:
    """Refuse JSON mode where no message speaks of JSON: a model would not know what is wanted.

    Raises:
        ApiError: the word is nowhere.
    """
    if not any("json" in message.text.lower() for message in messages):
        raise ApiError(
            f"'{where}' must contain the word 'json' in some form, to use '{field}' of type 'json_object'.",
            param=where,
        )


def _read_max_tokens(body: Fields) -> int | None:
    if body.get("max_tokens") is not None and body.get("max_completion_tokens") is not None:
        raise ApiError(
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
            param="max_tokens",
            code="invalid_parameter_combination",
        )
    current = body.integer("max_completion_tokens", None, low=1)
    return body.integer("max_tokens", None, low=1) if current is None else current


def _read_logprobs(body: Fields) -> int | None:
    wanted, top = body.boolean("logprobs"), body.integer("top_logprobs", None, low=0, high=MOST_LOGPROBS)
    if top is not None and not wanted:
        raise ApiError(
            "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", param="top_logprobs"
        )
    return (top or 0) if wanted else None
