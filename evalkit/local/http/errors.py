"""Refusals: what is raised anywhere below a handler, and the error body that OpenAI's API gives for it.

Source of the bodies: OpenAI's API description (schema `ErrorResponse`) and the messages of its live API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from evalkit.local.http.json_response import JsonResponse

LONGEST_MESSAGE, LONGEST_PARAM = 2000, 200  # characters


class ApiError(Exception):
    """A refusal: the HTTP status, the four fields of OpenAI's error object, and headers of its own.

    Texts are shortened: a message may repeat what a client sent, which may be megabytes.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        type: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: Mapping[str, str] | None = None,
    ):
        super().__init__(message)
        self.message, self.param = message[:LONGEST_MESSAGE], param and param[:LONGEST_PARAM]
        self.status, self.type, self.code = status, type, code
        self.headers = headers

    def body(self) -> dict[str, Any]:
        """Give the body: {"error": {message, type, param, code}}."""
        return {"error": {"message": self.message, "type": self.type, "param": self.param, "code": self.code}}

    def answer(self) -> JsonResponse:
        """Give the whole HTTP answer."""
        return JsonResponse(self.body(), status_code=self.status, headers=self.headers)


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
    message, code, headers = str(error.detail), None, error.headers
    if error.status_code == 404:
        message = f"Invalid URL ({request.method} {path})"
    elif error.status_code == 405:
        message, code = f"Not allowed to {request.method} on {path}.", "method_not_supported"
        headers = {"allow": ", ".join(_allowed(request))}
    return ApiError(message, status=error.status_code, code=code, headers=headers).answer()


def _allowed(request: Request) -> list[str]:
    """Name the methods of a path; the router itself names those of the first route that has it."""
    routes = [route for route in request.app.routes if route.matches(request.scope)[0] != Match.NONE]
    return sorted({method for route in routes for method in route.methods})


async def answer_fault(_request: Request, _error: Exception) -> Response:
    """Answer an exception that nobody expected; it goes on to the server's log."""
    return server_error("The server had an error while processing your request.").answer()
