"""run.json as reports read it: what is missing or of another kind is told with its place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from evalkit.errors import UsageError
from evalkit.run.gating import Gating


class Asked(msgspec.Struct, frozen=True):
    """A variant."""

    name: str
    model: str
    endpoint: str
    prompt: Literal["none", "short", "long"]
    responses: str | None = None


class Counted(msgspec.Struct, frozen=True):
    """A suite."""

    cases: int


class Planned(msgspec.Struct, frozen=True):
    """`plan`."""

    variants: dict[str, dict[str, Asked]]
    repeat: int = 1
    suites: dict[str, Counted] = {}
    records: int | None = None


class Estimated(msgspec.Struct, frozen=True):
    """`estimate`."""

    requests: int = 0
    judge_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = 0.0


class Chosen(msgspec.Struct, frozen=True):
    """`options`, as far as reports look at them."""

    concurrency: int
    max_cost: float | None
    gate: bool


class Place(msgspec.Struct, frozen=True):
    """An endpoint."""

    base_url: str | None
    api_key_env: str | None


class Info(msgspec.Struct, frozen=True):
    """The whole; what else is in it, reports do without."""

    status: str
    partial: bool
    options: Chosen
    plan: Planned
    estimate: Estimated
    gate: dict[str, Gating]
    endpoints: dict[str, Place]


def check_shape(info: Mapping[str, Any], path: Path) -> None:
    """See that a run.json can be read.

    Raises:
        UsageError: what is wrong in it, and where.
    """
    try:
        msgspec.convert(info, Info)
    except msgspec.ValidationError as fault:
        raise UsageError(f"{path}: {fault}: it is damaged, or of another version") from fault
