"""How the loss went: from a job's result file, or from its events where there is none."""

from __future__ import annotations

import base64
import binascii
import csv
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from evalkit.tune.jobs import Event


@dataclass(frozen=True, slots=True)
class Loss:
    """The losses at one step; None where none was measured."""

    step: int
    train: float | None
    valid: float | None = None


def decoded(content: bytes) -> bytes:
    """A result file as CSV: some come whole, some encoded in base64."""
    if content.lstrip().startswith(b"step"):
        return content
    try:
        plain = base64.b64decode(b"".join(content.split()), validate=True)
    except binascii.Error:
        return content
    return plain if plain.lstrip().startswith(b"step") else content


def losses_of_csv(content: bytes) -> tuple[Loss, ...]:
    """The losses in a result file, decoded; what is no row with a step is passed over."""
    try:
        rows = list(csv.DictReader(content.decode("utf-8", "replace").splitlines()))
    except csv.Error:
        return ()
    found = (_loss(row, row.get("valid_loss")) for row in rows)
    return tuple(loss for loss in found if loss is not None)


def losses_of_events(events: Iterable[Event]) -> tuple[Loss, ...]:
    """The losses in a job's history. Of both kinds of validation the one over all examples is taken."""
    found = (
        _loss(event.data, event.data.get("full_valid_loss") or event.data.get("valid_loss"))
        for event in events
        if event.type == "metrics"
    )
    return tuple(loss for loss in found if loss is not None)


def _loss(row: Mapping[str, Any], valid: Any) -> Loss | None:
    step = _number(row.get("step"))
    return None if step is None else Loss(int(step), _number(row.get("train_loss")), _number(valid))


def _number(value: Any) -> float | None:
    """A finite number; blanks and what is none are None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None
