"""`--responses FILE`: every variant that the file names is answered from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from evalkit.config.model import ModelFlags
from evalkit.config.toml_file import Table
from evalkit.endpoints.base import RECORDED
from evalkit.endpoints.recorded import NO_LINES, read_recorded
from evalkit.errors import InputError

Tables = Mapping[str, Table]


def recorded_tables(path: Path) -> dict[str, Table]:
    """The variants that a file of recorded answers names, as tables to lay over those of evalkit.toml.

    Its model is that of the file's lines where they agree: it decides the price.

    Raises:
        InputError: the file cannot be read, or has no answer.
    """
    models: dict[str, set[str]] = {}
    for each in read_recorded(path):
        models.setdefault(each.line.variant, set()).add(each.line.model or "")
    if not models:
        raise InputError(NO_LINES, file=path)
    return {
        name: {"endpoint": RECORDED, "responses": str(path), "model": found.pop() if len(found) == 1 else ""}
        for name, found in models.items()
    }


def answered_from(recorded: Tables, tables: Tables, *, only_known: bool = False) -> dict[str, Table]:
    """The tables with those of recorded variants answered from the file, whatever else they say."""
    answered = {name: {**tables.get(name, {}), **table} for name, table in recorded.items()}
    return {**tables, **{name: table for name, table in answered.items() if name in tables or not only_known}}


def asking_only(recorded: Tables, flags: ModelFlags) -> ModelFlags:
    """The flags, naming the recorded variants alone where nothing else was named to be asked."""
    named = flags.variants or flags.base or flags.ft
    return flags if named else replace(flags, variants=tuple(recorded))
