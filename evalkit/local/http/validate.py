"""Reading request bodies: JSON within bounds, then field by field, refused as OpenAI refuses.

A field that is null counts as absent, as in OpenAI's API.
"""

from __future__ import annotations

import gc
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from evalkit.local.http.errors import ApiError, not_supported

Default = TypeVar("Default")
MOST_ELEMENTS = 2048  # of an array that is read element by element, as in OpenAI's API
MOST_INTEGER = 2**63 - 1


def read_json(body: bytes) -> dict[str, Any]:
    """Parse a request body.

    Raises:
        ApiError: not UTF-8, not JSON (NaN, infinities and numbers beyond a float included), nested too
            deeply, or no object.
    """
    try:
        with _uncollected():
            parsed = json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_float=_finite)
    except (ValueError, RecursionError):
        raise ApiError(
            "We could not parse the JSON body of your request. (HINT: This likely means you aren't using "
            "your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not "
            "valid JSON.)"
        ) from None
    if not isinstance(parsed, dict):
        raise ApiError(
            f"Invalid body: expected an object, but got {_named(parsed)} instead.", code="invalid_type"
        )
    return parsed


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the garbage collector away: of a million lists in a body it would look at each again and again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(f"{digits} is beyond a float")
    return value


class Fields:
    """The fields of one JSON object, taken one at a time.

    Args:
        values: the object.
        path: where it stands in the body, e.g. `messages[0]`; "" for the body itself.
    """

    def __init__(self, values: Mapping[str, Any], path: str = ""):
        self._values, self._path = values, path

    def only(self, *known: str) -> None:
        """Refuse any field that is not known.

        Raises:
            ApiError: names the first unknown field.
        """
        for name in self._values:
            if name not in known:
                raise ApiError(f"Unrecognized request argument supplied: {self.place(name)}")

    def unsupported(self, harmless: Mapping[str, Sequence[Any]]) -> None:
        """Refuse fields that would change the answer in a way that this server does not have.

        Args:
            harmless: the fields, each with the values that ask for nothing (null always does).

        Raises:
            ApiError: names the first such field.
        """
        for name, values in harmless.items():
            if self._values.get(name) is not None and self._values[name] not in values:
                raise not_supported(f"'{self.place(name)}'", self.place(name))

    def place(self, name: str) -> str:
        """Give the field's path in the body, e.g. `messages[0].role`."""
        return f"{self._path}.{name}" if self._path else name

    @property
    def names(self) -> tuple[str, ...]:
        """The fields that are there."""
        return tuple(self._values)

    def get(self, name: str) -> Any:
        """Give a field as it came; None where absent."""
        return self._values.get(name)

    def required(self, name: str) -> Any:
        """Give a field that must be there.

        Raises:
            ApiError: it is absent or null.
        """
        if self._values.get(name) is None:
            place = self.place(name)
            raise ApiError(
                f"Missing required parameter: '{place}'.", param=place, code="missing_required_parameter"
            )
        return self._values[name]

    def text(self, name: str, default: Default, *, longest: int | None = None) -> str | Default:
        """Give a string field."""
        value = self._typed(name, str, "a string")
        if value is None:
            return default
        if longest is not None and len(value) > longest:
            self._refuse(
                name,
                f"string too long. Expected a string with maximum length {longest}, but got a string with "
                f"length {len(value)} instead.",
                "string_above_max_length",
            )
        return str(value)

    def boolean(self, name: str, default: bool = False) -> bool:
        """Give a boolean field."""
        value = self._typed(name, bool, "a boolean")
        return default if value is None else bool(value)

    def integer(self, name: str, default: Default, *, low: int, high: int = MOST_INTEGER) -> int | Default:
        """Give an integer field within [low, high]."""
        value = self._typed(name, int, "an integer")
        if value is None:
            return default
        self._within(name, value, low, high, "integer")
        return int(value)

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """Give a number field within [low, high]."""
        value = self._typed(name, (int, float), "a decimal")
        if value is None:
            return default
        self._within(name, value, low, high, "decimal")
        return float(value)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Give a required string field that is one of a few."""
        value = self.required(name)
        if value not in allowed:
            options = ", ".join(f"'{option}'" for option in allowed)
            raise ApiError(
                f"Invalid value: {shown(value)}. Supported values are: {options}.",
                param=self.place(name),
                code="invalid_value",
            )
        return str(value)

    def array(self, name: str, *, most: int = MOST_ELEMENTS) -> list[Any]:
        """Give a required array with at least one element, and at most `most`."""
        self.required(name)
        value = self._typed(name, list, "an array of objects")
        if not value:
            self._refuse(
                name,
                "empty array. Expected an array with minimum length 1, but got an empty array instead.",
                "empty_array",
            )
        if len(value) > most:
            self._refuse(
                name,
                f"array too long. Expected an array with maximum length {most}, but got an "
                f"array with length {len(value)} instead.",
                "array_above_max_length",
            )
        return list(value)

    def object(self, name: str) -> Fields | None:
        """Give an object field, to be read in its turn; None where absent."""
        value = self._typed(name, dict, "an object")
        return None if value is None else Fields(value, self.place(name))

    def objects(self, name: str, *, most: int = MOST_ELEMENTS) -> Iterable[Fields]:
        """Give the elements of a required array of objects."""
        for at, value in enumerate(self.array(name, most=most)):
            place = f"{self.place(name)}[{at}]"
            if not isinstance(value, dict):
                raise wrong_type(place, "an object", value)
            yield Fields(value, place)

    def _typed(self, name: str, kind: type | tuple[type, ...], called: str) -> Any:
        value = self._values.get(name)
        mistaken = isinstance(value, bool) and kind is not bool  # Python counts True as an int
        if value is not None and (mistaken or not isinstance(value, kind)):
            raise wrong_type(self.place(name), called, value)
        return value

    def _within(self, name: str, value: float, low: float, high: float, kind: str) -> None:
        if value < low:
            self._refuse(
                name,
                f"{kind} below minimum value. Expected a value >= {low}, but got {shown(value)} instead.",
                f"{kind}_below_min_value",
            )
        if value > high:
            self._refuse(
                name,
                f"{kind} above maximum value. Expected a value <= {high}, but got {shown(value)} instead.",
                f"{kind}_above_max_value",
            )

    def _refuse(self, name: str, what: str, code: str) -> NoReturn:
        raise ApiError(f"Invalid '{self.place(name)}': {what}", param=self.place(name), code=code)


def wrong_type(place: str, expected: str, found: object) -> ApiError:
    """Say that a value has the wrong type, in OpenAI's words."""
    return ApiError(
        f"Invalid type for '{place}': expected {expected}, but got {_named(found)} instead.",
        param=place,
        code="invalid_type",
    )


def _named(value: object) -> str:
    """Name a JSON value's type, e.g. `a string`."""
    names = {bool: "a boolean", int: "an integer", float: "a decimal", str: "a string", list: "an array"}
    return "null" if value is None else names.get(type(value), "an object")


def shown(value: object) -> str:
    """Write a value for a message, shortened: a client may send a number of thousands of digits."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
