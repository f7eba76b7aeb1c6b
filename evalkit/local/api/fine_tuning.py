"""/v1/fine_tuning/jobs: create, list, retrieve, cancel, pause, resume, and a job's events and checkpoints."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.api.job_request import read_request
from evalkit.local.files import drop_expired
from evalkit.local.http.errors import ApiError
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.lists import listed, read_limit
from evalkit.local.http.validate import Fields, read_json
from evalkit.local.jobs.history import ORGANISATION
from evalkit.local.jobs.records import ENDED
from evalkit.local.rows import Checkpoint, Event, FineTune, JobStatus
from evalkit.local.services import services_of

MOST_LISTED = 100


async def create(request: Request) -> Response:
    """Enter a job."""
    services = services_of(request)
    fields = Fields(read_json(await request.body()))
    drop_expired(services.store)
    asked = read_request(fields, services.store, services.jobs.base.name)
    services.jobs.submit(asked.job, *asked.warnings)
    return JsonResponse(body(asked.job))


async def list_jobs(request: Request) -> Response:
    """List jobs, newest first; `metadata[key]=value` keeps those that have it."""
    query = request.query_params
    page = services_of(request).store.page(
        FineTune,
        after=query.get("after"),
        limit=read_limit(query, 20, most=MOST_LISTED),
        metadata=_metadata_filter(query),
    )
    return JsonResponse(listed([body(job) for job in page.rows], has_more=page.has_more))


async def retrieve(request: Request) -> Response:
    """Describe a job."""
    return JsonResponse(body(_found(request)))


async def cancel(request: Request) -> Response:
    """End a job that has not ended."""
    return _stopped(request, "cancelled", "cancel")


async def pause(request: Request) -> Response:
    """Stop a job until it is resumed."""
    return _stopped(request, "paused", "pause")


async def resume(request: Request) -> Response:
    """Go on with a paused job."""
    job = _found(request)
    if job.status != "paused":
        raise _wrong_status(job, "resume")
    return JsonResponse(body(services_of(request).jobs.resume(job)))


async def list_events(request: Request) -> Response:
    """List a job's events, newest first."""
    job, query = _found(request), request.query_params
    page = services_of(request).store.page(
        Event, after=query.get("after"), limit=read_limit(query, 20, most=MOST_LISTED), owner=job.id
    )
    return JsonResponse(listed([_event_body(event) for event in page.rows], has_more=page.has_more))


async def list_checkpoints(request: Request) -> Response:
    """List a job's checkpoints, newest first."""
    job, query = _found(request), request.query_params
    page = services_of(request).store.page(
        Checkpoint, after=query.get("after"), limit=read_limit(query, 10, most=MOST_LISTED), owner=job.id
    )
    return JsonResponse(listed([_checkpoint_body(made) for made in page.rows], has_more=page.has_more))


def _stopped(request: Request, status: JobStatus, verb: str) -> Response:
    job = _found(request)
    if job.status in (*ENDED, status):
        raise _wrong_status(job, verb)
    return JsonResponse(body(services_of(request).jobs.stop(job, status)))


def _wrong_status(job: FineTune, verb: str) -> ApiError:
    return ApiError(f"Cannot {verb} job {job.id}: its status is '{job.status}'.", code="invalid_job_status")


def _found(request: Request) -> FineTune:
    name = request.path_params["job_id"]
    job = services_of(request).store.get(FineTune, name)
    if job is None:
        raise ApiError(
            f"Could not find fine tune: {name}", status=404, param="fine_tune_id", code="fine_tune_not_found"
        )
    return job


def _metadata_filter(query: QueryParams) -> dict[str, str]:
    return {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in query.items()
        if name.startswith("metadata[") and name.endswith("]")
    }


def body(job: FineTune) -> dict[str, Any]:
    """Write OpenAI's job object; what is still to be resolved is "auto"."""
    chosen = {
        name: "auto" if value is None else value
        for name in ("n_epochs", "batch_size", "learning_rate_multiplier")
        for value in [getattr(job.hyperparameters, name)]
    }
    if job.method == "dpo":
        beta = job.hyperparameters.beta
        chosen["beta"] = "auto" if beta is None else beta
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "model": job.model,
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": ORGANISATION,
        "result_files": list(job.result_files),
        "status": job.status,
        "trained_tokens": job.trained_tokens,
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "hyperparameters": chosen,
        "method": {"type": job.method, job.method: {"hyperparameters": chosen}},
        "seed": job.seed,
        "error": job.error,
        "estimated_finish": job.estimated_finish,
        "integrations": [],
        "metadata": job.metadata,
    }


def _event_body(event: Event) -> dict[str, Any]:
    return {
        "id": event.id,
        "object": "fine_tuning.job.event",
        "created_at": event.created_at,
        "level": event.level,
        "message": event.message,
        "type": event.type,
        "data": event.data,
    }


def _checkpoint_body(made: Checkpoint) -> dict[str, Any]:
    return {
        "id": made.id,
        "object": "fine_tuning.job.checkpoint",
        "created_at": made.created_at,
        "fine_tuned_model_checkpoint": made.model,
        "step_number": made.step,
        "metrics": {"step": made.step, **made.metrics},
        "fine_tuning_job_id": made.job,
    }
