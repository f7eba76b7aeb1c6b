"""Labelled answers, and what a judge says of them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.checks.base import Grade
from evalkit.errors import InputError
from evalkit.stats import Kappa, Rate, kappa
from evalkit.stats.correction import Accuracy

LABELS = {"pass": True, "fail": False}
FIELDS = {"text", "label", "question", "source", "variant"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer of which it is known whether it should pass.

    `question` is what it answers, `source` who labelled it, `variant` which variant gave it.
    """

    text: str
    passes: bool
    question: str | None = None
    source: str | None = None
    variant: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge's grades go with the labels.

    Attributes:
        equal: verdicts equal to their label, of all grades that could be read.
        accuracy: on all answers. `variants`: on those of one variant, by its name.
        kappa: None where all labels and verdicts are the same.
        unread: why the other grades could not be read, each with its number.
    """

    equal: Rate
    accuracy: Accuracy
    variants: Mapping[str, Accuracy]
    kappa: Kappa | None
    unread: Mapping[str, int]


def read_labelled(path: Path) -> tuple[Labelled, ...]:
    """Read JSONL: `{"text": ..., "label": "pass" | "fail"}`, and optionally `question`, `source`, `variant`.

    Raises:
        InputError: a line that cannot be used, or none at all.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"cannot be read: {fault}", file=path) from fault
    found = [_labelled(path, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not found:
        raise InputError('is empty; write lines such as {"text": "...", "label": "pass"}', file=path)
    return tuple(found)


def _labelled(path: Path, number: int, line: str) -> Labelled:
    try:
        data = json.loads(line)
    except ValueError as fault:
        raise InputError(f"found no JSON: {fault}", file=path, line=number) from fault
    if not isinstance(data, dict) or not {"text", "label"} <= data.keys() <= FIELDS:
        what = 'write {"text": "...", "label": "pass"}; question, source and variant are optional'
        raise InputError(what, file=path, line=number)
    for name in FIELDS & data.keys():
        if not isinstance(data[name], str):
            raise InputError(f"found {data[name]!r}, write text", file=path, line=number, field=name)
    if data["label"] not in LABELS:
        raise InputError(
            f"found {data['label']!r}, write pass or fail", file=path, line=number, field="label"
        )
    passes = LABELS[data.pop("label")]
    return Labelled(passes=passes, **data)


def agreement(labelled: Sequence[Labelled], grades: Sequence[Grade], threshold: float) -> Agreement:
    """Compare labels with grades; those that could not be read are counted apart."""
    read = [
        (label, grade.score >= threshold)
        for label, grade in zip(labelled, grades, strict=True)
        if grade.score is not None
    ]
    variants = sorted({label.variant for label in labelled if label.variant is not None})
    return Agreement(
        equal=rate_of(label.passes == verdict for label, verdict in read),
        accuracy=_accuracy(read),
        variants={name: _accuracy([pair for pair in read if pair[0].variant == name]) for name in variants},
        kappa=kappa([label.passes for label, _ in read], [verdict for _, verdict in read]),
        unread=Counter(grade.reason for grade in grades if grade.score is None),
    )


def _accuracy(read: Sequence[tuple[Labelled, bool]]) -> Accuracy:
    return Accuracy(
        tpr=rate_of(verdict for label, verdict in read if label.passes),
        tnr=rate_of(not verdict for label, verdict in read if not label.passes),
    )


def rate_of(found: Iterable[bool]) -> Rate:
    """How many are true."""
    outcomes = list(found)
    return Rate(sum(outcomes), len(outcomes))
