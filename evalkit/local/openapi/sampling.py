"""What chat and legacy completions have in common."""

from __future__ import annotations

from evalkit.local.api.sampling import IGNORED, MOST_ANSWERS, MOST_STOPS, SEED
from evalkit.local.openapi.shapes import (
    ANY,
    BOOLEAN,
    COUNT,
    NULL,
    TEXT,
    Schema,
    array,
    asked,
    either,
    integer,
    mapping,
    number,
    text,
    told,
)

STOP = text(shortest=1)
LARGEST = 2**63 - 1
ASKED: dict[str, Schema] = {
    "stream": BOOLEAN,
    "stream_options": asked({}, {"include_usage": BOOLEAN, "include_obfuscation": ANY}),
    "temperature": number(0, 2),
    "top_p": number(0, 1),
    "seed": integer(-SEED, SEED - 1),
    "frequency_penalty": number(-2, 2),
    "presence_penalty": number(-2, 2),
    "logit_bias": {**mapping(either(number(-100, 100), NULL)), "propertyNames": text(pattern="^[0-9]{1,9}$")},
    "stop": either(TEXT, array(STOP, most=MOST_STOPS)),
    "n": integer(1, MOST_ANSWERS),
    **dict.fromkeys(IGNORED, ANY),
}
USAGE = told(
    {
        "prompt_tokens": COUNT,
        "completion_tokens": COUNT,
        "total_tokens": COUNT,
        "prompt_tokens_details": told({"cached_tokens": COUNT, "audio_tokens": COUNT}),
        "completion_tokens_details": told({"reasoning_tokens": COUNT, "audio_tokens": COUNT}),
    }
)
