"""`metadata`: what users note on their jobs, batches and responses."""

from __future__ import annotations

from typing import Any

from evalkit.local.http.errors import ApiError
from evalkit.local.http.validate import Fields, wrong_type

MOST_ENTRIES, LONGEST_KEY, LONGEST_VALUE = 16, 64, 512


def read_metadata(fields: Fields) -> dict[str, str] | None:
    """Read the field `metadata`; None where it is absent.

    Raises:
        ApiError: it is no object of at most 16 texts, or one of them or of their names is too long.
    """
    if fields.object("metadata") is None:
        return None
    given: dict[str, Any] = fields.get("metadata")
    if len(given) > MOST_ENTRIES:
        raise ApiError(
            f"Invalid 'metadata': too many properties. Expected an object with at most {MOST_ENTRIES} "
            f"properties, but got an object with {len(given)} properties instead.",
            param="metadata",
            code="object_above_max_properties",
        )
    for key, value in given.items():
        _check_entry(key, value, f"metadata.{key}"[:80])
    return given


def _check_entry(key: str, value: object, place: str) -> None:
    if not isinstance(value, str):
        raise wrong_type(place, "a string", value)
    for text, longest in ((key, LONGEST_KEY), (value, LONGEST_VALUE)):
        if len(text) > longest:
            raise ApiError(
                f"Invalid '{place}': string too long. Expected a string with maximum length {longest}, "
                f"but got a string with length {len(text)} instead.",
                param=place,
                code="string_above_max_length",
            )
