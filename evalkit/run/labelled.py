"""Labelled answers, and how a judge's grades go with them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from evalkit.checks.base import Grade
from evalkit.errors import InputError
from evalkit.stats import Kappa, Rate, kappa
from evalkit.stats.correction import Trust

LABELS = {"pass": True, "fail": False}
FIELDS = {"text", "label", "question", "source", "variant"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer of which it is known whether it should pass, what it answers, who labelled it, and which
    variant gave it."""

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
        true_positives: passed, of answers that should. `true_negatives`: failed, of those that should.
        kappa: None where all labels and verdicts are the same.
        by_variant: the same two rates of each variant's answers, as far as they are labelled with it.
        unread: why the other grades could not be read, each with its number.
    """

    equal: Rate
    true_positives: Rate
    true_negatives: Rate
    kappa: Kappa | None
    unread: Mapping[str, int]
    by_variant: Mapping[str, Trust]


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
    optional = (data.get(name) for name in ("question", "source", "variant"))
    return Labelled(data["text"], LABELS[data["label"]], *optional)


def agreement(labelled: Sequence[Labelled], grades: Sequence[Grade], threshold: float) -> Agreement:
    """Compare labels with grades; those that could not be read are counted apart."""
    read = [
        (each, grade.score >= threshold)
        for each, grade in zip(labelled, grades, strict=True)
        if grade.score is not None
    ]
    pairs = [(each.passes, verdict) for each, verdict in read]
    trust, variants = _trust(pairs), dict.fromkeys(each.variant for each, _ in read if each.variant)
    return Agreement(
        equal=_rate(label == verdict for label, verdict in pairs),
        true_positives=trust.tpr,
        true_negatives=trust.tnr,
        kappa=kappa([label for label, _ in pairs], [verdict for _, verdict in pairs]),
        unread=Counter(grade.reason for grade in grades if grade.score is None),
        by_variant={
            name: _trust((each.passes, verdict) for each, verdict in read if each.variant == name)
            for name in variants
        },
    )


def _trust(pairs: Iterable[tuple[bool, bool]]) -> Trust:
    """Of labels and verdicts."""
    found = list(pairs)
    return Trust(
        tpr=_rate(verdict for label, verdict in found if label),
        tnr=_rate(not verdict for label, verdict in found if not label),
    )


def _rate(found: Iterable[bool]) -> Rate:
    outcomes = list(found)
    return Rate(sum(outcomes), len(outcomes))
