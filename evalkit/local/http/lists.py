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
    """Write OpenAI's list object; an empty one has no first and no last id."""
    ends = {"first_id": bodies[0]["id"], "last_id": bodies[-1]["id"]} if bodies else {}
    return {"object": "list", "data": list(bodies), **ends, "has_more": has_more}
