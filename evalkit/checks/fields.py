"""Plain data (from YAML or JSON) -> frozen dataclass, by its annotations; and annotations -> JSON Schema.

One source of truth: what a suite may write is what a dataclass says. The annotations understood are `str`,
`int`, `float`, `bool`, `None`, `Any`, `Literal`, `A | B`, `tuple[A, ...]`, `Mapping[str, A]`, other
dataclasses, and `Annotated[A, Bounds(low, high)]`.
"""

from __future__ import annotations

import dataclasses
import difflib
import json
import math
import types
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, dataclass
from functools import cache, reduce
from operator import or_
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from evalkit.checks.base import FileText
from evalkit.errors import UsageError

FieldPath = tuple[str | int, ...]
"""The way to a value: ("checks", 2, "length", "max")."""

T = TypeVar("T")


class FieldError(UsageError):
    """A value that does not fit.

    Args:
        path: the way to it from where the reading began.
        what: what was found and what to write instead.
    """

    def __init__(self, path: FieldPath, what: str):
        self.path, self.what = path, what
        super().__init__(f"{self.field}: {what}" if path else what)

    @property
    def field(self) -> str:
        """The path as people write it: `checks[2].length.max`."""
        return dotted(self.path)

    def under(self, *prefix: str | int) -> FieldError:
        """The same fault, seen from further outside."""
        return FieldError((*prefix, *self.path), self.what)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Limits of a number, both included."""

    low: float = -math.inf
    high: float = math.inf

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"of at least {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"


class WrittenInt(int):
    """A whole number that remembers how it was written (`007`): text where text is due."""

    written: str

    def __str__(self) -> str:
        return self.written


class WrittenFloat(float):
    """A number that remembers how it was written (`1.50`): text where text is due."""

    written: str

    def __str__(self) -> str:
        return self.written


@dataclass(frozen=True, slots=True)
class _Shape:
    """What a dataclass can be filled with: its fields by name, and those that must be given."""

    fields: Mapping[str, dataclasses.Field[Any]]
    required: tuple[str, ...]


@cache
def _shape(cls: type) -> _Shape:
    """Of every case of a suite the same, and slow to work out."""
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    required = [f.name for f in fields.values() if f.default is MISSING and f.default_factory is MISSING]
    return _Shape(fields, tuple(required))


@cache
def _takes_text(annotation: Any) -> bool:
    """Whether any text fits as it is."""
    options = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    return str in options


@cache
def _hints(cls: type) -> Mapping[str, Any]:
    """Of every case of a suite the same, and slow to work out."""
    return get_type_hints(cls, include_extras=True)


def fill(cls: type[T], data: Mapping[str, Any]) -> T:
    """Make a dataclass of a mapping.

    Raises:
        FieldError: an unknown or missing key, or a value of the wrong type.
    """
    shape, hints = _shape(cls), _hints(cls)  # type: ignore[arg-type]  # a class is hashable, whatever T is
    for key in data:
        if key not in shape.fields:
            raise FieldError((key,), unknown(key, shape.fields))
    for name in shape.required:
        if name not in data:
            raise FieldError((name,), f"is missing; write {named(hints[name])}")
    return cls(**{key: convert(hints[key], value, (key,)) for key, value in data.items()})


def convert(annotation: Any, value: Any, path: FieldPath = ()) -> Any:
    """The value as the annotation wants it: lists become tuples, written numbers text where text is due.

    Raises:
        FieldError: the value does not fit.
    """
    if annotation is Any or (type(value) is str and _takes_text(annotation)):
        return value
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _within(arguments[1], convert(arguments[0], value, path), path)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, path)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(convert(arguments[0], item, (*path, i)) for i, item in enumerate(value))
    if origin is Mapping and isinstance(value, Mapping):
        return {key: convert(arguments[1], item, (*path, key)) for key, item in value.items()}
    if dataclasses.is_dataclass(annotation) and isinstance(value, Mapping):
        return _filled(annotation, value, path)  # type: ignore[arg-type]
    return _plain(annotation, value, path)


def unknown(word: str, known: Iterable[str], kind: str = "key") -> str:
    """Say that a word is not known, and which known one was probably meant."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1)
    hint = f"did you mean {close[0]}?" if close else f"known: {', '.join(names)}"
    return f"unknown {kind} {shown(word)}; {hint}"


def shown(value: Any) -> str:
    """A value as it stands in messages, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = repr(type(value).__name__)
    return text if len(text) <= 80 else text[:77] + "..."


def dotted(path: FieldPath) -> str:
    """("checks", 2, "length") -> `checks[2].length`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def named(annotation: Any) -> str:
    """An annotation in words: `a whole number of at least 0, or nothing`."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return f"{named(arguments[0])} {arguments[1]}"
    if origin in (Union, types.UnionType):
        return " or ".join(named(part) for part in arguments if part is not type(None))
    if origin is Literal:
        return " or ".join(str(choice) for choice in arguments)
    if origin is tuple:
        return f"a list, each {named(arguments[0])}"
    if dataclasses.is_dataclass(annotation):
        keys = ", ".join(field.name for field in dataclasses.fields(annotation) if field.init)
        return f"a mapping with {keys}"
    return _WORDS.get(origin or annotation, "a value")


def schema_of(annotation: Any) -> dict[str, Any]:
    """The JSON Schema of what `convert` accepts for this annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is Any:
        return {}
    if origin is Annotated:
        limits = {"minimum": arguments[1].low, "maximum": arguments[1].high}
        return schema_of(arguments[0]) | {key: limit for key, limit in limits.items() if math.isfinite(limit)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [schema_of(part) for part in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin is tuple:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if dataclasses.is_dataclass(annotation):
        return object_schema(annotation)
    return {"type": _JSON_TYPES[annotation]}


def object_schema(cls: Any) -> dict[str, Any]:
    """The JSON Schema of a dataclass: its fields are the only keys."""
    hints = _hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.init]
    required = [f.name for f in fields if f.default is MISSING and f.default_factory is MISSING]
    return {
        "type": "object",
        "properties": {field.name: schema_of(hints[field.name]) for field in fields},
        "additionalProperties": False,
    } | ({"required": required} if required else {})


_WORDS: dict[Any, str] = {
    str: "text",
    FileText: "a file",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "nothing",
    Mapping: "a mapping",
}
# text may be written as a bare number: `equals: 42`
_JSON_TYPES: dict[Any, Any] = {
    str: ["string", "number"],
    FileText: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    type(None): "null",
}


def _filled(cls: type[T], value: Mapping[str, Any], path: FieldPath) -> T:
    try:
        return fill(cls, value)
    except FieldError as error:
        raise error.under(*path) from error


def _one_of(options: tuple[Any, ...], value: Any, path: FieldPath) -> Any:
    """The first option that fits; a fault inside a container is told as such, not as "none fits"."""
    containers = [option for option in options if _holds(option, value)]
    if containers:
        return convert(containers[0], value, path)
    for option in options:
        with suppress(FieldError):
            return convert(option, value, path)
    raise FieldError(path, _wrong(reduce(or_, options), value))


def _holds(annotation: Any, value: Any) -> bool:
    """Whether the annotation is a container of the value's kind."""
    origin = get_origin(annotation) or annotation
    if isinstance(value, Mapping):
        return origin is Mapping or dataclasses.is_dataclass(origin)
    return origin is tuple and isinstance(value, list | tuple)


def _plain(annotation: Any, value: Any, path: FieldPath) -> Any:
    """A scalar; true is no number, and a whole number may stand where a number is due."""
    if annotation is str and isinstance(value, WrittenInt | WrittenFloat):
        return value.written
    if not _fits(annotation, value):
        raise FieldError(path, _wrong(annotation, value))
    return value


def _wrong(annotation: Any, value: Any) -> str:
    either = get_args(annotation) if get_origin(annotation) in (Union, types.UnionType) else (annotation,)
    text_due = str in either
    quotes = " in quotes" if text_due and isinstance(value, bool | int | float) else ""
    return f"found {shown(value)}; write {named(annotation)}{quotes}"


def _fits(annotation: Any, value: Any) -> bool:
    if get_origin(annotation) is Literal:
        return isinstance(value, str) and value in get_args(annotation)
    if isinstance(value, bool):
        return annotation is bool
    if annotation is float:
        return isinstance(value, int | float)
    return isinstance(annotation, type) and isinstance(value, annotation)


def _within(bounds: Bounds, value: float, path: FieldPath) -> float:
    if not bounds.low <= value <= bounds.high:
        raise FieldError(path, f"found {shown(value)}; write a number {bounds}")
    return value
