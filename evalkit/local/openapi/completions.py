"""/completions."""

from __future__ import annotations

from evalkit.local.api.completions.request import MOST_ANSWERS, MOST_LOGPROBS
from evalkit.local.openapi.sampling import ASKED, LARGEST, USAGE
from evalkit.local.openapi.shapes import (
    BOOLEAN,
    COUNT,
    NULL,
    TEXT,
    TIME,
    Schema,
    array,
    asked,
    either,
    integer,
    mapping,
    number,
    one_of,
    operation,
    ref,
    text,
    told,
)

TOKENS = array(integer(0, LARGEST), least=1)
LOGPROB = number(-9999, 0)
CHOICE = told(
    {
        "index": COUNT,
        "text": TEXT,
        "logprobs": either(
            NULL,
            told(
                {
                    "tokens": array(TEXT),
                    "token_logprobs": array(either(LOGPROB, NULL)),
                    "top_logprobs": array(either(mapping(LOGPROB), NULL)),
                    "text_offset": array(COUNT),
                }
            ),
        ),
        "finish_reason": either(one_of("stop", "length"), NULL),
    }
)
HEAD = {
    "id": TEXT,
    "object": one_of("text_completion"),
    "created": TIME,
    "model": TEXT,
    "system_fingerprint": TEXT,
    "choices": array(CHOICE),
}
SCHEMAS: dict[str, Schema] = {
    "CompletionRequest": asked(
        {"model": text(shortest=1)},
        {
            **ASKED,
            "prompt": either(TEXT, array(TEXT, least=1), TOKENS, array(TOKENS, least=1, most=MOST_ANSWERS)),
            "max_tokens": integer(0, LARGEST),
            "echo": BOOLEAN,
            "logprobs": integer(0, MOST_LOGPROBS),
            "best_of": integer(0, LARGEST),
            "suffix": {"const": ""},
        },
    ),
    "Completion": told(HEAD | {"usage": USAGE}),
    "CompletionChunk": told(HEAD, {"usage": either(USAGE, NULL)}),
}
PATHS: dict[str, Schema] = {
    "/completions": {
        "post": operation(
            "Continue texts.",
            ref("Completion"),
            body=ref("CompletionRequest"),
            events=ref("CompletionChunk"),
        )
    }
}
