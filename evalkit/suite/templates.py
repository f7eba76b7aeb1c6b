"""User templates. Most suites have none: Jinja is loaded when the first one is seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class BadTemplate(ValueError):
    """The template cannot be used, or not with these values; the message says why and where."""


def check(source: str) -> None:
    """Make sure that a template can be filled.

    Raises:
        BadTemplate: it is no Jinja, or uses more of it than is allowed.
    """
    from evalkit.suite.sandbox import compiled

    compiled(source)


def render(source: str, values: Mapping[str, Any]) -> str:
    """Fill a template; a name without a value is an error, never an empty text.

    Raises:
        BadTemplate: a value is missing, or the text gets too long.
    """
    from evalkit.suite.sandbox import filled

    return filled(source, values)
