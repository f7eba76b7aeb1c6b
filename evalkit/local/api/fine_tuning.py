"""POST and GET /v1/fine_tuning/jobs, and the events of a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.http.errors import ApiError, not_supported
from evalkit.local.http.json_response import JsonResponse
from evalkit.local.http.validate import Fields, read_json, wrong_type
from evalkit.local.jobs.runner import ORGANISATION
from evalkit.local.rows import Event, FineTune, Hyperparameters, StoredFile, new_id, now
from evalkit.local.services import Services, services_of
from evalkit.local.store import Page

EPOCHS, BATCH_SIZE, RATE = 3, 4, 1.0  # what "auto" is
SEED = 0  # where none is given: the same request twice makes the same model
MOST_SEED = 2**31 - 1
KNOWN = (
    "model",
    "training_file",
    "validation_file",
    "suffix",
    "seed",
    "metadata",
    "method",
    "hyperparameters",
)
MOST_METADATA, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512


async def create(request: Request) -> Response:
    """Enter a job."""
    services = services_of(request)
    job = read_job(Fields(read_json(await request.body())), services)
    services.jobs.submit(job)
    return JsonResponse(body(job))


def read_job(fields: Fields, services: Services) -> FineTune:
    """Read the body of a create request; "auto" is resolved.

    Raises:
        ApiError: a field is missing, unknown, wrong or not supported, or names what is not there.
    """
    fields.required("model")
    fields.required("training_file")
    fields.only(*KNOWN, "integrations")
    fields.unsupported({"integrations": ([],), "validation_file": ()})
    return FineTune(
        id=new_id("ftjob-"),
        created_at=now(),
        status="validating_files",
        model=_read_model(fields, services),
        training_file=_read_file(fields, services),
        validation_file=None,
        suffix=_read_suffix(fields),
        seed=fields.integer("seed", SEED, low=0, high=MOST_SEED),
        hyperparameters=_read_hyperparameters(fields),
        metadata=_read_metadata(fields),
    )


def _read_model(fields: Fields, services: Services) -> str:
    name = fields.text("model", "")
    if name != services.jobs.base.name:
        raise ApiError(
            f"Model {name} is not available for fine-tuning or does not exist.",
            param="model",
            code="model_not_available",
        )
    return name


def _read_file(fields: Fields, services: Services) -> str:
    name = fields.text("training_file", "")
    if services.store.get(StoredFile, name) is None:
        raise ApiError(f"invalid training_file: {name}", param="training_file", code="invalid_training_file")
    return name


def _read_suffix(fields: Fields) -> str:
    suffix = fields.text("suffix", "", longest=64)
    if not all(character.isascii() and (character.isalnum() or character in "-_.") for character in suffix):
        raise ApiError(
            f"Invalid 'suffix': letters, digits, '-', '_' and '.' are permitted, but got {suffix!r}.",
            param="suffix",
            code="invalid_value",
        )
    return suffix


def _read_hyperparameters(fields: Fields) -> Hyperparameters:
    """Read them from `method`, or from where they stood before it."""
    chosen = fields.object("hyperparameters")
    method = fields.object("method")
    if method is not None:
        if method.choice("type", ("supervised", "dpo", "reinforcement")) != "supervised":
            raise not_supported(f"'method' of type '{method.get('type')}'", "method")
        supervised = method.object("supervised")
        chosen = supervised.object("hyperparameters") if supervised else chosen
    if chosen is None:
        chosen = Fields({})
    chosen.only("n_epochs", "batch_size", "learning_rate_multiplier")
    return Hyperparameters(
        n_epochs=_unless_auto(chosen, "n_epochs").integer("n_epochs", EPOCHS, low=1, high=50),
        batch_size=_unless_auto(chosen, "batch_size").integer("batch_size", BATCH_SIZE, low=1, high=256),
        learning_rate_multiplier=_unless_auto(chosen, "learning_rate_multiplier").number(
            "learning_rate_multiplier", RATE, low=1e-6, high=1000
        ),
    )


def _unless_auto(fields: Fields, name: str) -> Fields:
    """Give fields without the named one where that is "auto"."""
    return Fields({}) if fields.get(name) == "auto" else fields


def _read_metadata(fields: Fields) -> dict[str, str] | None:
    if fields.get("metadata") is None:
        return None
    fields.object("metadata")
    given: dict[str, Any] = fields.get("metadata")
    if len(given) > MOST_METADATA:
        raise ApiError(f"Invalid 'metadata': at most {MOST_METADATA} entries.", param="metadata")
    for key, value in given.items():
        place = f"metadata.{key}"
        if not isinstance(value, str):
            raise wrong_type(place, "a string", value)
        if len(key) > LONGEST_KEY or len(value) > LONGEST_VALUE:
            raise ApiError(
                f"Invalid '{place}': keys have at most {LONGEST_KEY} characters, values {LONGEST_VALUE}.",
                param=place,
            )
    return given


async def list_jobs(request: Request) -> Response:
    """List jobs, newest first; `metadata[key]=value` keeps those that have it."""
    query = request.query_params
    page = services_of(request).store.page(
        FineTune, after=query.get("after"), limit=_read_limit(query), metadata=_metadata_filter(query)
    )
    return JsonResponse(_listed(page, [body(job) for job in page.rows]))


async def retrieve(request: Request) -> Response:
    """Describe a job."""
    return JsonResponse(body(_found(request)))


async def list_events(request: Request) -> Response:
    """List a job's events, newest first."""
    job, query = _found(request), request.query_params
    page = services_of(request).store.page(
        Event, after=query.get("after"), limit=_read_limit(query), owner=job.id
    )
    return JsonResponse(_listed(page, [_event_body(event) for event in page.rows]))


def _found(request: Request) -> FineTune:
    name = request.path_params["job_id"]
    job = services_of(request).store.get(FineTune, name)
    if job is None:
        raise ApiError(
            f"Could not find fine tune: {name}", status=404, param="fine_tune_id", code="fine_tune_not_found"
        )
    return job


def _read_limit(query: QueryParams) -> int:
    """Read `limit`: 1 to 100, 20 if it is not given."""
    text = query.get("limit", "20")
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= 100):
        raise ApiError(
            f"Invalid 'limit': expected an integer from 1 to 100, but got {text[:40]!r}.",
            param="limit",
            code="invalid_value",
        )
    return int(text)


def _metadata_filter(query: QueryParams) -> dict[str, str]:
    return {
        name.removeprefix("metadata[").removesuffix("]"): value
        for name, value in query.items()
        if name.startswith("metadata[") and name.endswith("]")
    }


def _listed(page: Page[Any], bodies: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": bodies, "has_more": page.has_more}


def body(job: FineTune) -> dict[str, Any]:
    """Write OpenAI's job object."""
    chosen: Mapping[str, Any] = {
        "n_epochs": job.hyperparameters.n_epochs,
        "batch_size": job.hyperparameters.batch_size,
        "learning_rate_multiplier": job.hyperparameters.learning_rate_multiplier,
    }
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": job.created_at,
        "finished_at": job.finished_at,
        "model": job.model,
        "fine_tuned_model": job.fine_tuned_model,
        "organization_id": ORGANISATION,
        "result_files": [],
        "status": job.status,
        "trained_tokens": job.trained_tokens,
        "training_file": job.training_file,
        "validation_file": job.validation_file,
        "hyperparameters": chosen,
        "method": {"type": "supervised", "supervised": {"hyperparameters": chosen}},
        "seed": job.seed,
        "error": job.error,
        "estimated_finish": None,
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
