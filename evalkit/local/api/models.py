"""/v1/models: list, retrieve, delete."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.http.json_response import JsonResponse
from evalkit.local.served import ServedModel
from evalkit.local.services import services_of


async def list_models(request: Request) -> Response:
    """List every model."""
    models = services_of(request).models.all()
    return JsonResponse({"object": "list", "data": [_body(model) for model in models]})


async def retrieve(request: Request) -> Response:
    """Describe one model."""
    return JsonResponse(_body(services_of(request).models.find(request.path_params["model"])))


async def delete(request: Request) -> Response:
    """Delete a model that a job made, and its checkpoints with it; the job stays."""
    name = request.path_params["model"]
    services_of(request).models.delete(name)
    return JsonResponse({"id": name, "object": "model", "deleted": True})


def _body(model: ServedModel) -> dict[str, Any]:
    """Write OpenAI's model object; `fingerprint` is this server's own addition."""
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": model.owned_by,
        "fingerprint": model.fingerprint,
    }
