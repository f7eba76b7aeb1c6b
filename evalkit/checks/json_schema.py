"""The answer is JSON that is valid against a schema."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from jsonschema.protocols import Validator

from evalkit.checks.base import CheckKind, FileText, Seen, Verdict, answer, unsure, verdict
from evalkit.checks.fields import FieldError
from evalkit.checks.patterns import PatternTimeout
from evalkit.checks.schemas import SchemaError, first_fault, validator_of
from evalkit.checks.strict_json import Fences, NotJson, parse


@dataclass(frozen=True, slots=True)
class JsonSchema:
    """The whole answer is strict JSON, and valid against a JSON Schema.

    Strict: NaN, Infinity, repeated keys and text around the value are no JSON; nor is what is longer than
    1,000,000 characters or deeper than 64 levels. The draft is the one that the schema names, else 2020-12.
    References stay within the schema: nothing is fetched. Patterns run under a time limit, and `format` is
    not asserted. Without a schema any JSON value passes.

    Attributes:
        schema: a file, or the schema itself.
        fences: `allow` if the JSON may stand in a Markdown fence.
    """

    default_kind: ClassVar[CheckKind] = "property"

    schema: FileText | Mapping[str, Any] | bool = True
    fences: Fences = "refuse"
    _validator: Validator = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            schema = parse(self.schema) if isinstance(self.schema, FileText) else self.schema
            object.__setattr__(self, "_validator", validator_of(schema))
        except (NotJson, SchemaError) as error:
            where = f"{self.schema.path.name}: " if isinstance(self.schema, FileText) else ""
            raise FieldError(("schema",), f"{where}{error}") from error

    def check(self, seen: Seen) -> Verdict:
        """Parse the answer, then validate it."""
        text = answer(seen)
        if isinstance(text, Verdict):
            return text
        try:
            value = parse(text, self.fences)
        except NotJson as error:
            return verdict(False, None, f"no JSON: {error}")
        try:
            fault = first_fault(self._validator, value)
        except PatternTimeout as stopped:
            return unsure(str(stopped), value)
        except RecursionError:
            return verdict(False, None, "nested too deep to be validated")
        return verdict(fault is None, value, fault or "")
