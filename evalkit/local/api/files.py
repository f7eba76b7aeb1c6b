"""POST /v1/files, GET /v1/files/{file_id} and its content."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from evalkit.local.http.errors import ApiError, not_found, not_supported, server_error
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields
from evalkit.local.rows import StoredFile, new_id, now
from evalkit.local.services import Services, services_of

PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")  # all but the first: not yet


async def create(request: Request) -> Response:
    """Keep an uploaded file."""
    services = services_of(request)
    try:
        async with request.form(max_files=1, max_fields=8) as form:
            stored = await _kept(services, _checked(form))
    except OSError as fault:
        raise server_error(f"The file could not be stored: {fault.strerror}.") from fault
    with services.store.transaction():
        services.store.put(stored)
    return JsonResponse(body(stored))


def _checked(form: FormData) -> UploadFile:
    """Give the uploaded file of a form that asks for what can be done.

    Raises:
        ApiError: no file, no purpose, or another purpose than fine-tune.
    """
    fields = Fields({name: value for name, value in form.items() if isinstance(value, str)})
    if fields.choice("purpose", PURPOSES) != "fine-tune":
        raise not_supported(f"'purpose' {fields.get('purpose')!r}", "purpose")
    upload = form.get("file")
    if not isinstance(upload, UploadFile):
        raise ApiError(
            "'file' is a required property: send it as multipart/form-data with a filename.",
            param="file",
            code="missing_required_parameter",
        )
    return upload


async def _kept(services: Services, upload: UploadFile) -> StoredFile:
    """Write the content down, off the event loop."""
    name = new_id("file-")
    size, sha256 = await asyncio.to_thread(services.store.write_content, name, upload.file)
    filename = (upload.filename or "upload").replace("\\", "/").rpartition("/")[2]
    return StoredFile(name, now(), filename, "fine-tune", size, sha256)


async def retrieve(request: Request) -> Response:
    """Describe a file."""
    return JsonResponse(body(_found(request)))


async def content(request: Request) -> Response:
    """Give a file's content."""
    file = _found(request)
    return FileResponse(services_of(request).store.content(file.id), media_type="application/octet-stream")


def _found(request: Request) -> StoredFile:
    file = services_of(request).store.get(StoredFile, request.path_params["file_id"])
    if file is None:
        raise not_found(f"File object: {request.path_params['file_id']}", "id")
    return file


def body(file: StoredFile) -> dict[str, Any]:
    """Write OpenAI's file object."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": file.created_at,
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
    }
