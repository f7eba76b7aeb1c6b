"""/models."""

from __future__ import annotations

from evalkit.local.openapi.shapes import (
    TEXT,
    TIME,
    Schema,
    array,
    deleted,
    in_path,
    one_of,
    operation,
    ref,
    told,
)

SCHEMAS: dict[str, Schema] = {
    "Model": told(
        {"id": TEXT, "object": one_of("model"), "created": TIME, "owned_by": TEXT, "fingerprint": TEXT}
    ),
    "Models": told({"object": one_of("list"), "data": array(ref("Model"))}),
    "DeletedModel": deleted("model"),
}
PATHS: dict[str, Schema] = {
    "/models": {"get": operation("List the models.", ref("Models"))},
    "/models/{model}": {
        "get": operation("Describe a model.", ref("Model"), parameters=[in_path("model")]),
        "delete": operation("Delete a fine-tuned model.", ref("DeletedModel"), parameters=[in_path("model")]),
    },
}
