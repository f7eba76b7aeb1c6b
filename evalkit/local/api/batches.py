"""POST and GET /v1/batches, GET /v1/batches/{batch_id} and its cancel."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.batches.runner import BatchRunner
from evalkit.local.http.errors import ApiError, not_found
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.lists import listed, read_limit
from evalkit.local.http.metadata import read_metadata
from evalkit.local.http.validate import Fields, read_json
from evalkit.local.rows import Batch, StoredFile, new_id, now
from evalkit.local.services import services_of
from evalkit.local.store import Store

ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/responses")
WINDOWS = {"24h": 24 * 3600}  # in seconds
LARGEST = 200 * 2**20  # bytes of an input file
SHORTEST_LIFE, LONGEST_LIFE = 3600, 2_592_000  # of the files of results, in seconds
MOST_LISTED = 100


async def create(request: Request) -> Response:
    """Enter a batch."""
    batch = read_batch(Fields(read_json(await request.body())), services_of(request).store)
    _runner(request).submit(batch)
    return JsonResponse(body(batch))


def read_batch(fields: Fields, store: Store) -> Batch:
    """Read the body of a create request.

    Raises:
        ApiError: a field is missing, unknown or wrong, or names a file that cannot be used.
    """
    fields.only("input_file_id", "endpoint", "completion_window", "metadata", "output_expires_after")
    created = now()
    return Batch(
        id=new_id("batch_"),
        created_at=created,
        expires_at=created + WINDOWS[fields.choice("completion_window", tuple(WINDOWS))],
        status="validating",
        endpoint=fields.choice("endpoint", ENDPOINTS),
        input_file=_read_file(fields, store),
        metadata=read_metadata(fields),
        results_live_s=_read_life(fields),
    )


def _read_file(fields: Fields, store: Store) -> str:
    fields.required("input_file_id")
    name = fields.text("input_file_id", "")
    file = store.get(StoredFile, name)
    fault = None
    if file is None:
        fault = f"No such File object: {name}"
    elif file.purpose != "batch":
        fault = f"The file {name} has the purpose '{file.purpose}': a batch needs one of purpose 'batch'."
    elif file.bytes > LARGEST:
        fault = f"The file {name} has {file.bytes} bytes: a batch's input has at most {LARGEST}."
    if fault:
        raise ApiError(fault, param="input_file_id", code="invalid_input_file")
    return name


def _read_life(fields: Fields) -> int | None:
    after = fields.object("output_expires_after")
    if after is None:
        return None
    after.only("anchor", "seconds")
    after.choice("anchor", ("created_at",))
    after.required("seconds")
    return after.integer("seconds", None, low=SHORTEST_LIFE, high=LONGEST_LIFE)


async def list_batches(request: Request) -> Response:
    """List batches, newest first."""
    query = request.query_params
    limit = read_limit(query, 20, most=MOST_LISTED)
    page = services_of(request).store.page(Batch, after=query.get("after"), limit=limit)
    return JsonResponse(listed([body(batch) for batch in page.rows], has_more=page.has_more))


async def retrieve(request: Request) -> Response:
    """Describe a batch."""
    return JsonResponse(body(_found(request)))


async def cancel(request: Request) -> Response:
    """Stop a batch."""
    return JsonResponse(body(_runner(request).cancel(_found(request))))


def _runner(request: Request) -> BatchRunner:
    runner: BatchRunner = request.app.state.batches
    return runner


def _found(request: Request) -> Batch:
    name = request.path_params["batch_id"]
    batch = services_of(request).store.get(Batch, name)
    if batch is None:
        raise not_found(f"Batch object: {name}", "id")
    return batch


def body(batch: Batch) -> dict[str, Any]:
    """Write OpenAI's batch object; what is not known yet is left out."""
    unsure = {
        "model": batch.model,
        "errors": {"object": "list", "data": list(batch.errors)} if batch.errors else None,
        "output_file_id": batch.output_file,
        "error_file_id": batch.error_file,
        "usage": batch.usage,
        **{f"{status}_at": time for status, time in batch.reached.items()},
    }
    return {
        "id": batch.id,
        "object": "batch",
        "endpoint": batch.endpoint,
        "input_file_id": batch.input_file,
        "completion_window": "24h",
        "status": batch.status,
        "created_at": batch.created_at,
        "expires_at": batch.expires_at,
        "request_counts": {"total": batch.total, "completed": batch.completed, "failed": batch.failed},
        "metadata": batch.metadata,
        **{name: value for name, value in unsure.items() if value is not None},
    }
