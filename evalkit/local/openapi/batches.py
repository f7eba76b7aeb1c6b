"""/batches."""

from __future__ import annotations

from evalkit.local.api.batches import ENDPOINTS, LONGEST_LIFE, MOST_LISTED, SHORTEST_LIFE, WINDOWS
from evalkit.local.openapi.shapes import (
    COUNT,
    NULL,
    TEXT,
    TIME,
    Schema,
    array,
    asked,
    either,
    in_path,
    integer,
    list_of,
    mapping,
    one_of,
    operation,
    paged,
    ref,
    text,
    told,
)

METADATA: Schema = {
    **mapping(text(longest=512)),
    "propertyNames": text(longest=64),
    "maxProperties": 16,
}
ENDED = ("completed", "failed", "expired", "cancelling", "cancelled")
TOKENS = told(
    {
        "input_tokens": COUNT,
        "input_tokens_details": told({"cached_tokens": COUNT}),
        "output_tokens": COUNT,
        "output_tokens_details": told({"reasoning_tokens": COUNT}),
        "total_tokens": COUNT,
    }
)
FAULT = told(
    {"code": TEXT, "message": TEXT, "param": either(TEXT, NULL), "line": either(integer(1, 2**63 - 1), NULL)}
)
SCHEMAS: dict[str, Schema] = {
    "BatchRequest": asked(
        {
            "input_file_id": TEXT,
            "endpoint": one_of(*ENDPOINTS),
            "completion_window": one_of(*WINDOWS),
        },
        {
            "metadata": METADATA,
            "output_expires_after": asked(
                {"anchor": one_of("created_at"), "seconds": integer(SHORTEST_LIFE, LONGEST_LIFE)}
            ),
        },
    ),
    "Batch": told(
        {
            "id": TEXT,
            "object": one_of("batch"),
            "endpoint": one_of(*ENDPOINTS),
            "input_file_id": TEXT,
            "completion_window": one_of(*WINDOWS),
            "status": one_of("validating", "in_progress", "finalizing", *ENDED),
            "created_at": TIME,
            "expires_at": TIME,
            "request_counts": told({"total": COUNT, "completed": COUNT, "failed": COUNT}),
            "metadata": either(METADATA, NULL),
        },
        {
            "model": TEXT,
            "errors": told({"object": one_of("list"), "data": array(FAULT, least=1)}),
            "output_file_id": TEXT,
            "error_file_id": TEXT,
            "usage": TOKENS,
            **{f"{status}_at": TIME for status in ("in_progress", "finalizing", *ENDED)},
        },
    ),
    "Batches": list_of("Batch"),
}
ONE = [in_path("batch_id")]
PATHS: dict[str, Schema] = {
    "/batches": {
        "post": operation("Have requests answered.", ref("Batch"), body=ref("BatchRequest")),
        "get": operation("List the batches.", ref("Batches"), parameters=paged(MOST_LISTED)),
    },
    "/batches/{batch_id}": {"get": operation("Describe a batch.", ref("Batch"), parameters=ONE)},
    "/batches/{batch_id}/cancel": {"post": operation("Stop a batch.", ref("Batch"), parameters=ONE)},
}
