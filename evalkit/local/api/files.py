"""/v1/files: upload, list, retrieve, content, delete."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from evalkit.local.files import drop_expired, drop_files, write_file
from evalkit.local.http.errors import ApiError, not_found, server_error
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.lists import listed, read_limit
from evalkit.local.http.validate import Fields
from evalkit.local.rows import StoredFile
from evalkit.local.services import services_of

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
MOST_LISTED = 10_000
SHORTEST_S, LONGEST_S = 3600, 2_592_000  # that `expires_after` may say, as at OpenAI
LONGEST_NAME = 255  # characters kept of a filename


async def create(request: Request) -> Response:
    """Keep an uploaded file."""
    store = services_of(request).store
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            fields = Fields({name: value for name, value in form.items() if isinstance(value, str)})
            purpose, live_s, upload = (
                fields.choice("purpose", PURPOSES),
                _read_life(fields),
                _read_upload(form),
            )
            file = await write_file(store, upload.file, _plain_name(upload), purpose, live_s=live_s)
    except OSError as fault:
        raise server_error(f"The file could not be stored: {fault.strerror}.") from fault
    with store.transaction():
        store.put(file)
    return JsonResponse(body(file))


def _read_upload(form: FormData) -> UploadFile:
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise ApiError(
            "'file' is a required property: send it as multipart/form-data with a filename.",
            param="file",
            code="missing_required_parameter",
        )
    if not upload.size:
        raise ApiError("File is empty.", param="file", code="empty_file")
    return upload


def _read_life(fields: Fields) -> int | None:
    """Read `expires_after`, which forms spell as two fields."""
    name = "expires_after[seconds]"
    if fields.get(name) is None and fields.get("expires_after[anchor]") is None:
        return None
    fields.choice("expires_after[anchor]", ("created_at",))
    text = str(fields.required(name))
    if not (text.isascii() and text.isdigit() and SHORTEST_S <= int(text[:9]) <= LONGEST_S):
        raise ApiError(
            f"Invalid '{name}': expected an integer from {SHORTEST_S} to {LONGEST_S}, but got {text[:40]!r}.",
            param=name,
            code="invalid_value",
        )
    return int(text)


def _plain_name(upload: UploadFile) -> str:
    """Only the last part of a path, and nothing that does not print."""
    last = (upload.filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(filter(str.isprintable, last))[:LONGEST_NAME] or "upload"


async def list_files(request: Request) -> Response:
    """List files, newest first unless `order` is asc; `purpose` keeps those of one purpose."""
    store, query = services_of(request).store, request.query_params
    order = Fields({"order": "desc", **query}).choice("order", ("desc", "asc"))
    drop_expired(store)
    page = store.page(
        StoredFile,
        after=query.get("after"),
        limit=read_limit(query, MOST_LISTED, most=MOST_LISTED),
        oldest_first=order == "asc",
        having={name: query[name] for name in ("purpose",) if name in query},
    )
    return JsonResponse(listed([body(file) for file in page.rows], has_more=page.has_more))


async def retrieve(request: Request) -> Response:
    """Describe a file."""
    return JsonResponse(body(_found(request)))


async def content(request: Request) -> Response:
    """Give a file's content."""
    file = _found(request)
    return FileResponse(services_of(request).store.content(file.id), media_type="application/octet-stream")


async def delete(request: Request) -> Response:
    """Delete a file; a job or batch under way still reads what it was given."""
    file = _found(request)
    drop_files(services_of(request).store, file)
    return JsonResponse({"id": file.id, "object": "file", "deleted": True})


def _found(request: Request) -> StoredFile:
    store, name = services_of(request).store, request.path_params["file_id"]
    drop_expired(store)
    file = store.get(StoredFile, name)
    if file is None:
        raise not_found(f"File object: {name}", "id")
    return file


def body(file: StoredFile) -> dict[str, Any]:
    """Write OpenAI's file object."""
    expires = {} if file.expires_at is None else {"expires_at": file.expires_at}
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        **expires,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
    }
