"""/files."""

from __future__ import annotations

from evalkit.local.api.files import LONGEST_S, MOST_LISTED, PURPOSES, SHORTEST_S
from evalkit.local.openapi.shapes import (
    COUNT,
    TEXT,
    TIME,
    Schema,
    deleted,
    in_path,
    in_query,
    integer,
    list_of,
    loose,
    one_of,
    operation,
    paged,
    ref,
    told,
)

FORM = loose(
    {"purpose": one_of(*PURPOSES), "file": {"type": "string", "format": "binary", "minLength": 1}},
    {
        "expires_after[anchor]": one_of("created_at"),
        "expires_after[seconds]": integer(SHORTEST_S, LONGEST_S),
    },
)
FORM["dependentRequired"] = {
    "expires_after[anchor]": ["expires_after[seconds]"],
    "expires_after[seconds]": ["expires_after[anchor]"],
}
SCHEMAS: dict[str, Schema] = {
    "File": told(
        {
            "id": TEXT,
            "object": one_of("file"),
            "bytes": COUNT,
            "created_at": TIME,
            "filename": TEXT,
            "purpose": one_of(*PURPOSES, "batch_output", "fine-tune-results"),
            "status": one_of("processed"),
        },
        {"expires_at": TIME},
    ),
    "Files": list_of("File"),
    "DeletedFile": deleted("file"),
}
PATHS: dict[str, Schema] = {
    "/files": {
        "post": operation("Upload a file.", ref("File"), form=FORM),
        "get": operation(
            "List the files, newest first.",
            ref("Files"),
            parameters=[
                *paged(MOST_LISTED),
                in_query("order", one_of("asc", "desc")),
                in_query("purpose", TEXT),
            ],
        ),
    },
    "/files/{file_id}": {
        "get": operation("Describe a file.", ref("File"), parameters=[in_path("file_id")]),
        "delete": operation("Delete a file.", ref("DeletedFile"), parameters=[in_path("file_id")]),
    },
    "/files/{file_id}/content": {
        "get": operation("Download a file.", None, parameters=[in_path("file_id")]),
    },
}
