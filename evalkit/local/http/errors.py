"""Refusals: what is raised anywhere below a handler, and the error body that OpenAI's API gives for it.

Source of the bodies: OpenAI's API description (schema `ErrorResponse`) and the messages of its live API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from evalkit.local.http.json_response import JsonResponse


class ApiError(Exception):
    """A refusal, with the HTTP status and the four fields of OpenAI's error object."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
    ):
        super().__init__(message)
        self.message, self.status, self.type, self.param, self.code = message, status, type, param, code

    def body(self) -> dict[str, Any]:
        """Give the body: {"error": {message, type, param, code}}."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def answer(self, headers: Mapping[str, str] | None = None) -> JsonResponse:
        """Give the whole HTTP answer."""
        return JsonResponse(self.body(), status_code=self.status, headers=headers)


def model_not_found(name: str) -> ApiError:
    """Refuse a request that names a model which is not served."""
    return ApiError(
        f"The model `{name}` does not exist or you do not have access to it.",
        status=404,
        code="model_not_found",
    )


def not_found(what: str, param: str) -> ApiError:
    """Refuse a look-up of something that is not there."""
    return ApiError(f"No such {what}", status=404, param=param)


def not_supported(what: str, param: str) -> ApiError:
    """Refuse a part of OpenAI's API that this server does not have."""
    return ApiError(f"{what} is not supported by this server yet.", param=param, code="unsupported_parameter")


def server_error(what: str) -> ApiError:
    """Say that the fault is the server's."""
    return ApiError(what, status=500, type="server_error")


async def answer_api_error(_request: Request, error: Exception) -> Response:
    """Answer an ApiError that a handler raised."""
    assert isinstance(error, ApiError)
    return error.answer()


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Answer what the router refuses: an unknown URL (404), a wrong method (405), a broken form (400)."""
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 404:
        refusal = ApiError(f"Invalid URL ({request.method} {path})", status=404)
    elif error.status_code == 405:
        refusal = ApiError(
            f"Not allowed to {request.method} on {path}.", status=405, code="method_not_supported"
        )
    else:
        refusal = ApiError(str(error.detail), status=error.status_code)
    return refusal.answer(error.headers)


async def answer_fault(_request: Request, _error: Exception) -> Response:
    """Answer an exception that nobody expected; it goes on to the server's log."""
    return server_error("The server had an error while processing your request.").answer()
