"""/responses."""

from __future__ import annotations

from evalkit.local.api.chat.request import MOST_LOGPROBS
from evalkit.local.api.responses import MOST_LISTED
from evalkit.local.api.responses.items import MOST_ITEMS, ROLES, TEXT_PARTS
from evalkit.local.api.responses.request import IGNORED, INCLUDED, LEAST_TOKENS
from evalkit.local.http.validate import MOST_ELEMENTS
from evalkit.local.openapi.batches import METADATA, TOKENS
from evalkit.local.openapi.chat import FUNCTION, LOGPROB, NAME, NAMED
from evalkit.local.openapi.sampling import LARGEST
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
    deleted,
    either,
    in_path,
    in_query,
    integer,
    list_of,
    loose,
    number,
    one_of,
    operation,
    paged,
    ref,
    text,
    told,
)
from evalkit.local.tools import MOST_TOOLS

PARTS = array(
    either(*(loose({"type": {"const": kind}, name: TEXT}) for kind, name in TEXT_PARTS.items())),
    most=MOST_ELEMENTS,
)
CONTENT = either(TEXT, PARTS)
LEFT_ASIDE = dict.fromkeys(("id", "status"), ANY)
OF_CALLS = LEFT_ASIDE | dict.fromkeys(("caller", "namespace"), ANY)
ITEMS = {
    "message": asked(
        {"role": one_of(*ROLES), "content": CONTENT},
        {"type": {"const": "message"}, "phase": ANY, **LEFT_ASIDE},
    ),
    "function_call": asked(
        {"type": {"const": "function_call"}, "call_id": TEXT, "name": NAME, "arguments": TEXT}, OF_CALLS
    ),
    "function_call_output": asked(
        {"type": {"const": "function_call_output"}, "call_id": TEXT, "output": CONTENT},
        {"name": ANY, **OF_CALLS},
    ),
}
FORMAT = either(
    loose({"type": one_of("text", "json_object")}),
    loose({"type": {"const": "json_schema"}, "name": NAME, "schema": OBJECT}, {"strict": BOOLEAN}),
)
CHOSEN = either(
    one_of("none", "auto", "required"),
    loose({"type": {"const": "function"}, "name": NAME}),
    loose(
        {
            "type": {"const": "allowed_tools"},
            "mode": one_of("auto", "required"),
            "tools": array(NAMED, least=1, most=MOST_ELEMENTS),
        }
    ),
)
NOTHING: dict[str, Schema] = {
    "background": {"const": False},
    "prompt_cache_options": {"const": {}},
    "reasoning": {"const": {}},
    "service_tier": one_of("auto", "default"),
    "truncation": one_of("disabled"),
    **dict.fromkeys(("conversation", "context_management", "moderation", "prompt"), NULL),
}
"""Fields with the values that ask for nothing."""

DONE = one_of("in_progress", "completed", "incomplete")
SPOKEN = told(
    {
        "type": one_of("output_text"),
        "text": TEXT,
        "annotations": array(ANY, most=0),
        "logprobs": array(told(LOGPROB | {"top_logprobs": array(told(LOGPROB))})),
    }
)
HEARD = told({"type": one_of("input_text"), "text": TEXT})
MESSAGE = told(
    {
        "id": TEXT,
        "type": one_of("message"),
        "status": DONE,
        "role": one_of(*ROLES),
        "content": array(either(SPOKEN, HEARD)),
    }
)
CALL = told(
    {
        "id": TEXT,
        "type": one_of("function_call"),
        "status": DONE,
        "call_id": TEXT,
        "name": NAME,
        "arguments": TEXT,
    }
)
RETURNED = told(
    {
        "id": TEXT,
        "type": one_of("function_call_output"),
        "status": DONE,
        "call_id": TEXT,
        "output": either(TEXT, array(HEARD)),
    }
)
TOOL = told(
    {
        "type": one_of("function"),
        "name": NAME,
        "description": either(TEXT, NULL),
        "parameters": OBJECT,
        "strict": BOOLEAN,
    }
)
SPENT: Schema = {**TOKENS, "properties": {**TOKENS["properties"]}}
SPENT["properties"]["input_tokens_details"] = told({"cached_tokens": COUNT, "cache_write_tokens": COUNT})
SCHEMAS: dict[str, Schema] = {
    "ResponseItem": either(*ITEMS.values()),
    "ResponseRequest": asked(
        {
            "model": text(shortest=1),
            "input": either(TEXT, array(ref("ResponseItem"), least=1, most=MOST_ITEMS)),
        },
        {
            "instructions": TEXT,
            "previous_response_id": TEXT,
            "store": BOOLEAN,
            "metadata": METADATA,
            "include": array(one_of(*INCLUDED)),
            "tools": array(
                asked({"type": {"const": "function"}, **FUNCTION[0]}, FUNCTION[1]), most=MOST_TOOLS
            ),
            "tool_choice": CHOSEN,
            "parallel_tool_calls": BOOLEAN,
            "text": asked({}, {"format": FORMAT, "verbosity": one_of("medium")}),
            "stream": BOOLEAN,
            "stream_options": asked({}, {"include_obfuscation": ANY}),
            "temperature": number(0, 2),
            "top_p": number(0, 1),
            "max_output_tokens": integer(LEAST_TOKENS, LARGEST),
            "top_logprobs": integer(0, MOST_LOGPROBS),
            **NOTHING,
            **dict.fromkeys(IGNORED, ANY),
        },
    ),
    "Response": told(
        {
            "id": TEXT,
            "object": one_of("response"),
            "created_at": TIME,
            "status": one_of("in_progress", "completed", "incomplete", "failed"),
            "background": {"const": False},
            "completed_at": either(TIME, NULL),
            "error": either(told({"code": TEXT, "message": TEXT}), NULL),
            "incomplete_details": either(told({"reason": one_of("max_output_tokens")}), NULL),
            "model": TEXT,
            "output": array(either(MESSAGE, CALL)),
            "reasoning": told({"effort": NULL, "summary": NULL}),
            "service_tier": one_of("default"),
            "truncation": one_of("disabled"),
            "instructions": either(TEXT, NULL),
            "max_output_tokens": either(COUNT, NULL),
            "max_tool_calls": ANY,
            "metadata": METADATA,
            "parallel_tool_calls": BOOLEAN,
            "previous_response_id": either(TEXT, NULL),
            "store": BOOLEAN,
            "temperature": number(0, 2),
            "text": OBJECT,
            "tool_choice": either(TEXT, OBJECT),
            "tools": array(TOOL),
            "top_logprobs": COUNT,
            "top_p": number(0, 1),
        },
        {"usage": SPENT},
    ),
    "ResponseEvent": loose({"type": TEXT, "sequence_number": COUNT}),
    "DeletedResponse": deleted("response"),
    "ConversationItem": either(MESSAGE, CALL, RETURNED),
    "ConversationItems": list_of("ConversationItem"),
}
ONE = [in_path("response_id")]
PATHS: dict[str, Schema] = {
    "/responses": {
        "post": operation(
            "Answer a conversation.",
            ref("Response"),
            body=ref("ResponseRequest"),
            events=ref("ResponseEvent"),
        )
    },
    "/responses/{response_id}": {
        "get": operation("Give a stored response.", ref("Response"), parameters=ONE),
        "delete": operation("Forget a response.", ref("DeletedResponse"), parameters=ONE),
    },
    "/responses/{response_id}/input_items": {
        "get": operation(
            "List the conversation that a response answers.",
            ref("ConversationItems"),
            parameters=[*ONE, *paged(MOST_LISTED), in_query("order", one_of("asc", "desc"))],
        )
    },
}
