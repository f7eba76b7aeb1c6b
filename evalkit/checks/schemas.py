"""JSON Schema validation of hostile answers, by schemas that may be hostile too.

The package jsonschema does the validating. Three things are put around it: references are looked up in the
schema itself, nowhere else; patterns run under a time limit (Python's `re` has none); and arrays are compared
for repeats in linear time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any, cast

import jsonschema
import regex
from jsonschema.exceptions import ValidationError, best_match
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012, EMPTY_REGISTRY

from evalkit.checks.fields import shown
from evalkit.checks.patterns import PatternError, compiled, found, one_limit

FAULTS_READ = 20  # of which the most telling is reported: an answer may hold thousands

Schema = Mapping[str, Any] | bool
Draft = Any  # a class that jsonschema makes at run time: it has no type
Resolver = Any  # referencing's own class, which it does not export

_DRAFTS: dict[str, Draft] = {
    str(draft.META_SCHEMA["$schema"]).removesuffix("#"): draft
    for draft in (
        jsonschema.Draft202012Validator,
        jsonschema.Draft201909Validator,
        jsonschema.Draft7Validator,
        jsonschema.Draft6Validator,
        jsonschema.Draft4Validator,
        jsonschema.Draft3Validator,
    )
}
Faults = Iterator[ValidationError]


class SchemaError(ValueError):
    """The schema cannot be used; the message says where and why."""


def validator_of(schema: Schema) -> Validator:
    """A validator of the draft that the schema names, else 2020-12.

    Raises:
        SchemaError: the schema is not valid in its draft, refers to something outside, or holds a pattern
            that cannot be run under a time limit.
    """
    draft = _draft(schema)
    try:
        draft.check_schema(schema, format_checker=jsonschema.FormatChecker(formats=()))
    except jsonschema.SchemaError as error:
        raise SchemaError(f"no JSON Schema: {_told(cast(ValidationError, error))}") from error
    _check_inside(schema)
    validator: Validator = _guarded(draft)(schema, registry=EMPTY_REGISTRY)
    try:
        validator.is_valid(None)
    except RecursionError as error:
        raise SchemaError("the schema refers to itself without end") from error
    return validator


def first_fault(validator: Validator, value: Any) -> str | None:
    """What is wrong with the value, as `$.player: want type "string", got 12`; None if it is valid.

    Raises:
        PatternTimeout: its patterns took too long together.
        RecursionError: schema and value nest too deep together.
    """
    with one_limit():
        fault = best_match(islice(validator.iter_errors(value), FAULTS_READ))
    return None if fault is None else _told(fault)


def _draft(schema: Schema) -> Draft:
    if isinstance(schema, bool) or "$schema" not in schema:
        return jsonschema.Draft202012Validator
    name = schema["$schema"]
    draft = _DRAFTS.get(name.removesuffix("#")) if isinstance(name, str) else None
    if draft is None:
        raise SchemaError(
            f"unknown $schema {shown(name)}: write one of {', '.join(_DRAFTS)}, or leave it out"
        )
    return draft


def _check_inside(schema: Schema) -> None:
    """Refuse references that lead outside and patterns that cannot be bounded, before any answer is seen."""
    root: Resource[Any] = Resource.from_contents(schema, default_specification=DRAFT202012)
    registry: Registry[Any] = EMPTY_REGISTRY.with_resource(root.id() or "", root)
    for part, resolver in _parts(root, registry.resolver_with_root(root)):
        if isinstance(part, Mapping):
            _check_references(part, resolver)
            _check_patterns(part)


def _parts(resource: Resource[Any], resolver: Resolver) -> Iterator[tuple[Any, Resolver]]:
    """Every subschema with the resolver that its references go by."""
    yield resource.contents, resolver
    for part in resource.subresources():
        yield from _parts(part, resolver.in_subresource(part))


def _check_references(part: Mapping[str, Any], resolver: Resolver) -> None:
    for keyword in ("$ref", "$dynamicRef"):
        if isinstance(target := part.get(keyword), str):
            try:
                resolver.lookup(target)
            except Unresolvable as error:
                what = f"{keyword} {shown(target)} leads outside the schema, and nothing is ever fetched"
                raise SchemaError(f"{what}: copy it under $defs") from error


def _check_patterns(part: Mapping[str, Any]) -> None:
    if "patternProperties" in part and "unevaluatedProperties" in part:
        raise SchemaError(
            "unevaluatedProperties beside patternProperties: write additionalProperties instead"
        )
    for pattern in [part.get("pattern"), *part.get("patternProperties", ())]:
        if isinstance(pattern, str):
            try:
                compiled(pattern)
            except PatternError as error:
                raise SchemaError(f"pattern {shown(pattern)}: {error}") from error


@cache
def _guarded(draft: Draft) -> Draft:
    """The draft with the keywords replaced that could run without end."""
    keywords = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
        "uniqueItems": _unique_items,
    }
    return extend(draft, validators=keywords)  # type: ignore[no-untyped-call]


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Faults:
    if validator.is_type(value, "string") and not found(_cached(pattern), value):
        yield ValidationError(f"{shown(value)} does not match {shown(pattern)}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], value: Any, _schema: Any) -> Faults:
    if validator.is_type(value, "object"):
        for pattern, schema in patterns.items():
            for key in value:
                if found(_cached(pattern), key):
                    yield from validator.descend(value[key], schema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, schema: Any, value: Any, parent: Mapping[str, Any]) -> Faults:
    if not validator.is_type(value, "object"):
        return
    named, patterns = parent.get("properties", {}), parent.get("patternProperties", {})
    for key in value:
        if key in named or any(found(_cached(pattern), key) for pattern in patterns):
            continue
        if schema is False:
            yield ValidationError(f"the key {shown(key)} is not allowed")
        else:
            yield from validator.descend(value[key], schema, path=key)


def _unique_items(validator: Any, wanted: bool, value: Any, _schema: Any) -> Faults:
    if wanted and validator.is_type(value, "array") and len({_hashable(item) for item in value}) < len(value):
        yield ValidationError(f"{shown(value)} holds an item twice")


def _hashable(value: Any) -> Any:
    """Equal for equal JSON values: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", tuple(_hashable(item) for item in value))
    if isinstance(value, dict):
        return ("dict", frozenset((key, _hashable(item)) for key, item in value.items()))
    return value


@cache
def _cached(pattern: str) -> regex.Pattern[str]:
    return compiled(pattern)


# keywords whose value would tell less than jsonschema's own words
_OWN_WORDS = {
    "required",
    "dependentRequired",
    "additionalProperties",
    "unevaluatedProperties",
    "uniqueItems",
    "anyOf",
    "oneOf",
    "not",
}


def _told(fault: ValidationError) -> str:
    if fault.validator is None or fault.validator in _OWN_WORDS:
        return f"{fault.json_path}: {fault.message[:200]}"
    want = f"want {fault.validator} {shown(fault.validator_value)}"
    return f"{fault.json_path}: {want}, got {shown(fault.instance)}"
