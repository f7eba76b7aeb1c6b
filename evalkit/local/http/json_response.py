"""JSON bodies as the server writes them."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response


class JsonResponse(Response):
    """An HTTP answer with a JSON body."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Write the body."""
        return encoded(content)


def encoded(content: Any) -> bytes:
    """Write compact JSON in pure ASCII: a lone surrogate that came in goes out escaped, not as broken UTF-8.

    Raises:
        ValueError: it holds NaN or infinity.
    """
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")
