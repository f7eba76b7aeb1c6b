"""/chat/completions."""

from __future__ import annotations

from evalkit.local.api.chat.request import MOST_LOGPROBS
from evalkit.local.http.validate import MOST_ELEMENTS
from evalkit.local.openapi.sampling import ASKED, LARGEST, USAGE
from evalkit.local.openapi.shapes import (
    ANY,
    BOOLEAN,
    COUNT,
    NULL,
    OBJECT,
    TEXT,
    TIME,
    Schema,
    array,
    asked,
    either,
    integer,
    loose,
    number,
    one_of,
    operation,
    ref,
    text,
    told,
)
from evalkit.local.tools import LONGEST_NAME, MOST_TOOLS

NAME = text(longest=LONGEST_NAME, pattern="^[a-zA-Z0-9_-]+$")
PART = loose({"type": {"const": "text"}, "text": TEXT})
CONTENT = either(TEXT, array(PART, least=1))
FUNCTION = ({"name": NAME}, {"description": TEXT, "parameters": OBJECT, "strict": BOOLEAN})
NAMED = loose({"name": NAME})
CALLED = loose({"name": NAME, "arguments": TEXT})
CALL = loose({"id": TEXT, "function": CALLED})
NAMED_TOOL = loose({"function": NAMED})
MESSAGES = {
    **{
        role: asked({"role": {"const": role}, "content": CONTENT}, {"name": ANY})
        for role in ("system", "developer", "user")
    },
    "assistant": asked(
        {"role": {"const": "assistant"}},
        {
            "content": CONTENT,
            "name": ANY,
            "refusal": TEXT,
            "tool_calls": array(CALL, least=1, most=MOST_TOOLS),
            "function_call": CALLED,
            "audio": NULL,
            "annotations": ANY,
        },
    ),
    "tool": asked({"role": {"const": "tool"}, "content": CONTENT, "tool_call_id": TEXT}, {"name": ANY}),
    "function": asked({"role": {"const": "function"}}, {"content": CONTENT, "name": ANY}),
}
FORMAT = either(
    loose({"type": one_of("text", "json_object")}),
    loose(
        {
            "type": {"const": "json_schema"},
            "json_schema": loose({"name": NAME, "schema": OBJECT}, {"strict": BOOLEAN}),
        }
    ),
)
ALLOWED = loose({"mode": one_of("auto", "required"), "tools": array(NAMED_TOOL, least=1)})
CHOSEN = either(
    one_of("none", "auto", "required"),
    loose({"type": {"const": "function"}, "function": NAMED}),
    loose({"type": {"const": "allowed_tools"}, "allowed_tools": ALLOWED}),
)
LOGPROB = {"token": TEXT, "logprob": number(-9999, 0), "bytes": array(integer(0, 255))}
LOGPROBS = either(
    NULL,
    told(
        {"content": array(told(LOGPROB | {"top_logprobs": array(told(LOGPROB))})), "refusal": NULL},
    ),
)
FINISH = one_of("stop", "length", "tool_calls", "function_call")
ANSWERED = told({"name": TEXT, "arguments": TEXT})
HEAD = {
    "id": TEXT,
    "created": TIME,
    "model": TEXT,
    "service_tier": one_of("default"),
    "system_fingerprint": TEXT,
}
MESSAGE = told(
    {
        "role": one_of("assistant"),
        "content": either(TEXT, NULL),
        "refusal": NULL,
        "annotations": array(ANY, most=0),
    },
    {
        "tool_calls": array(told({"id": TEXT, "type": one_of("function"), "function": ANSWERED}), least=1),
        "function_call": ANSWERED,
    },
)
DELTA = told(
    {},
    {
        "role": one_of("assistant"),
        "content": either(TEXT, NULL),
        "refusal": NULL,
        "tool_calls": array(
            told(
                {"index": COUNT, "function": told({"arguments": TEXT}, {"name": TEXT})},
                {"id": TEXT, "type": one_of("function")},
            ),
            least=1,
        ),
        "function_call": told({"arguments": TEXT}, {"name": TEXT}),
    },
)
SCHEMAS: dict[str, Schema] = {
    "ChatMessage": either(*MESSAGES.values()),
    "ChatRequest": asked(
        {"model": text(shortest=1), "messages": array(ref("ChatMessage"), least=1, most=MOST_ELEMENTS)},
        {
            **ASKED,
            "max_tokens": integer(1, LARGEST),
            "max_completion_tokens": integer(1, LARGEST),
            "logprobs": BOOLEAN,
            "top_logprobs": integer(0, MOST_LOGPROBS),
            "response_format": FORMAT,
            "tools": array(
                asked({"type": {"const": "function"}, "function": asked(*FUNCTION)}), least=1, most=MOST_TOOLS
            ),
            "tool_choice": CHOSEN,
            "parallel_tool_calls": BOOLEAN,
            "functions": array(loose(*FUNCTION), least=1, most=MOST_TOOLS),
            "function_call": either(one_of("none", "auto"), NAMED),
            "modalities": {"const": ["text"]},
            "service_tier": one_of("auto", "default"),
            **dict.fromkeys(
                ("audio", "prediction", "reasoning_effort", "verbosity", "web_search_options", "moderation"),
                NULL,
            ),
        },
    ),
    "Chat": told(
        HEAD
        | {
            "object": one_of("chat.completion"),
            "choices": array(
                told({"index": COUNT, "message": MESSAGE, "logprobs": LOGPROBS, "finish_reason": FINISH}),
                least=1,
            ),
            "usage": USAGE,
        }
    ),
    "ChatChunk": told(
        HEAD
        | {
            "object": one_of("chat.completion.chunk"),
            "choices": array(
                told(
                    {
                        "index": COUNT,
                        "delta": DELTA,
                        "logprobs": LOGPROBS,
                        "finish_reason": either(FINISH, NULL),
                    }
                )
            ),
        },
        {"usage": either(USAGE, NULL)},
    ),
}
PATHS: dict[str, Schema] = {
    "/chat/completions": {
        "post": operation("Answer a chat.", ref("Chat"), body=ref("ChatRequest"), events=ref("ChatChunk"))
    }
}
