"""Plain data that knows where each of its values stands in its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evalkit.checks.fields import FieldError, FieldPath, dotted
from evalkit.errors import InputError


@dataclass(frozen=True, slots=True)
class Document:
    """A file's data, or a part of it.

    Attributes:
        file: where it stands.
        data: the plain data.
        lines: the line of every path, counted from 1, as far as known.
        prefix: the path of this part in the whole.
    """

    file: Path
    data: Any
    lines: Mapping[FieldPath, int]
    prefix: FieldPath = ()

    def part(self, *path: str | int) -> Document:
        """A part of the data, whose faults are still told by their place in the whole."""
        data = self.data
        for step in path:
            data = data[step]
        return replace(self, data=data, prefix=(*self.prefix, *path))

    def line(self, path: FieldPath = ()) -> int | None:
        """The line of a value, or of the nearest one around it: an alias hides what is inside."""
        path = (*self.prefix, *path)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def error(self, error: FieldError) -> InputError:
        """A fault in the data as a fault in the file."""
        field = dotted((*self.prefix, *error.path))
        return InputError(error.what, file=self.file, line=self.line(error.path), field=field or None)
