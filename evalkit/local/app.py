"""The application: which handler answers which URL, and what runs beside them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from evalkit.local import openapi
from evalkit.local.api import batches, chat, completions, files, fine_tuning, models, responses
from evalkit.local.backend import TemplateRefused
from evalkit.local.batches.asking import asking
from evalkit.local.batches.runner import BatchRunner
from evalkit.local.http.access import Access
from evalkit.local.http.errors import ApiError, answer_api_error, answer_fault, answer_http_error
from evalkit.local.http.guard import Guard
from evalkit.local.http.limits import Rates
from evalkit.local.services import Services

ROUTES = (
    Route("/openapi.json", openapi.publish),
    Route("/v1/models", models.list_models),
    Route("/v1/models/{model:path}", models.retrieve),
    Route("/v1/models/{model:path}", models.delete, methods=["DELETE"]),
    Route("/v1/chat/completions", chat.create, methods=["POST"]),
    Route("/v1/completions", completions.create, methods=["POST"]),
    Route("/v1/responses", responses.create, methods=["POST"]),
    Route("/v1/responses/{response_id}", responses.retrieve),
    Route("/v1/responses/{response_id}", responses.delete, methods=["DELETE"]),
    Route("/v1/responses/{response_id}/input_items", responses.input_items),
    Route("/v1/batches", batches.create, methods=["POST"]),
    Route("/v1/batches", batches.list_batches),
    Route("/v1/batches/{batch_id}", batches.retrieve),
    Route("/v1/batches/{batch_id}/cancel", batches.cancel, methods=["POST"]),
    Route("/v1/files", files.create, methods=["POST"]),
    Route("/v1/files", files.list_files),
    Route("/v1/files/{file_id}", files.retrieve),
    Route("/v1/files/{file_id}", files.delete, methods=["DELETE"]),
    Route("/v1/files/{file_id}/content", files.content),
    Route("/v1/fine_tuning/jobs", fine_tuning.create, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", fine_tuning.list_jobs),
    Route("/v1/fine_tuning/jobs/{job_id}", fine_tuning.retrieve),
    Route("/v1/fine_tuning/jobs/{job_id}/cancel", fine_tuning.cancel, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/pause", fine_tuning.pause, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/resume", fine_tuning.resume, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{job_id}/events", fine_tuning.list_events),
    Route("/v1/fine_tuning/jobs/{job_id}/checkpoints", fine_tuning.list_checkpoints),
)


def create_app(services: Services, access: Access, rates: Rates) -> ASGIApp:
    """Make the ASGI application; while it runs, fine-tuning jobs and batches are worked on.

    Args:
        services: what the handlers work with.
        access: who may ask.
        rates: how often.
    """

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        working = [asyncio.create_task(services.jobs.run()), asyncio.create_task(app.state.batches.run())]
        yield
        for task in working:
            task.cancel()
        await asyncio.gather(*working, return_exceptions=True)

    app = Starlette(
        routes=ROUTES,
        lifespan=lifespan,
        exception_handlers={
            ApiError: answer_api_error,
            HTTPException: answer_http_error,
            ClientDisconnect: _answer_nobody,
            TemplateRefused: _answer_refused,
            Exception: answer_fault,
        },
    )
    app.state.services = services
    app.state.batches = BatchRunner(services.store, services.models, asking(app))
    app.router.redirect_slashes = False  # OpenAI knows no URL that ends in one
    return Guard(app, access, rates)


async def _answer_refused(_request: Request, error: Exception) -> Response:
    """The messages are OpenAI's, but the model that is served was trained on no such chats."""
    return ApiError(str(error)).answer()


async def _answer_nobody(_request: Request, _error: Exception) -> Response:
    """The client is gone: whatever is sent is not read."""
    return Response(status_code=499)
