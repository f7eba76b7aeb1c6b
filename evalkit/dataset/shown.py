"""Values as messages show them."""

from __future__ import annotations

import json
from typing import Any


def shown(value: Any, width: int = 40) -> str:
    """The value as JSON, clipped: `"bot"`, `[1, 2, …`; `nothing` for null or what is missing."""
    if value is None:
        return "nothing"
    if isinstance(value, str):
        value = value[:width]
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= width else f"{text[: width - 1]}…"
