"""Lists: how much of one is asked for, and the object that holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from starlette.datastructures import QueryParams

from evalkit.local.http.errors import ApiError


def read_limit(query: QueryParams, default: int, *, most: int) -> int:
    """Read `limit`.

    Raises:
        ApiError: it is no number from 1 to `most`.
    """
    text = query.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise ApiError(
            f"Invalid 'limit': expected an integer from 1 to {most}, but got {text[:40]!r}.",
            param="limit",
            code="invalid_value",
        )
    return int(text)


def listed(bodies: Sequence[dict[str, Any]], *, has_more: bool) -> dict[str, Any]:
    """Write OpenAI's list object; the ends of an empty one are "", since its description wants texts."""
    ids = [body["id"] for body in bodies] or [""]
    return {
        "object": "list",
        "data": list(bodies),
        "first_id": ids[0],
        "last_id": ids[-1],
        "has_more": has_more,
    }
