"""Labelled answers, and what a judge says of them."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.checks.base import Grade, Seen
from evalkit.config import Config, ModelRef
from evalkit.errors import InputError
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.connect import connect, open_endpoint
from evalkit.run.grading import JudgeDesk
from evalkit.stats import Kappa, Rate, kappa

LABELS = {"pass": True, "fail": False}
FIELDS = {"text", "label", "question", "source"}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An answer of which it is known whether it should pass, what it answers, and who labelled it."""

    text: str
    passes: bool
    question: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a judge's grades go with the labels.

    Attributes:
        equal: verdicts equal to their label, of all grades that could be read.
        true_positives: passed, of answers that should. `true_negatives`: failed, of those that should.
        kappa: None where all labels and verdicts are the same.
        unread: why the other grades could not be read, each with its number.
    """

    equal: Rate
    true_positives: Rate
    true_negatives: Rate
    kappa: Kappa | None
    unread: Mapping[str, int]


def read_labelled(path: Path) -> tuple[Labelled, ...]:
    """Read JSONL: `{"text": ..., "label": "pass" | "fail"}`, and optionally `question` and `source`.

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
        what = 'write {"text": "...", "label": "pass"}; question and source are optional'
        raise InputError(what, file=path, line=number)
    for name in FIELDS & data.keys():
        if not isinstance(data[name], str):
            raise InputError(f"found {data[name]!r}, write text", file=path, line=number, field=name)
    if data["label"] not in LABELS:
        raise InputError(
            f"found {data['label']!r}, write pass or fail", file=path, line=number, field="label"
        )
    return Labelled(data["text"], LABELS[data["label"]], data.get("question"), data.get("source"))


@dataclass(frozen=True, slots=True)
class Judging:
    """How labelled answers are put to a judge: as in a run, through the same code.

    `advance` is called after each; the others are as in RunOptions.
    """

    judge: ModelRef
    rubric: str
    config: Config
    concurrency: int
    max_cost: float | None
    advance: Callable[[], object]

    async def grades(self, labelled: Sequence[Labelled]) -> tuple[list[Grade], str | None]:
        """A grade for each, and the judge's fingerprint where its endpoint tells it.

        Raises:
            UsageError: the judge cannot be reached.
            BudgetReached: asking on could pass the cap.
        """
        settings = self.config.endpoints[self.judge.endpoint]
        connection = await connect(open_endpoint(settings), settings, [self.judge.model])
        budget = Budget(self.max_cost)
        asker = Asker({self.judge.endpoint: connection}, None, budget, self.config.prices, lambda _: None)
        desk = JudgeDesk(self.judge, asker, asyncio.get_running_loop())
        turns = asyncio.Semaphore(self.concurrency)
        try:
            found = await asyncio.gather(*(self._grade(each, desk, turns) for each in labelled))
        finally:
            await connection.endpoint.close()
        return found, connection.fingerprints.get(self.judge.model)

    async def _grade(self, labelled: Labelled, desk: JudgeDesk, turns: asyncio.Semaphore) -> Grade:
        question: tuple[dict[str, Any], ...] = ()
        if labelled.question is not None:
            question = ({"role": "user", "content": labelled.question},)
        async with turns:
            grade = await asyncio.to_thread(desk, self.rubric, Seen(labelled.text, messages=question))
        self.advance()
        return grade


def agreement(labelled: Sequence[Labelled], grades: Sequence[Grade], threshold: float) -> Agreement:
    """Compare labels with grades; those that could not be read are counted apart."""
    pairs = [
        (label.passes, grade.score >= threshold)
        for label, grade in zip(labelled, grades, strict=True)
        if grade.score is not None
    ]
    return Agreement(
        equal=_rate(label == verdict for label, verdict in pairs),
        true_positives=_rate(verdict for label, verdict in pairs if label),
        true_negatives=_rate(not verdict for label, verdict in pairs if not label),
        kappa=kappa([label for label, _ in pairs], [verdict for _, verdict in pairs]),
        unread=Counter(grade.reason for grade in grades if grade.score is None),
    )


def _rate(found: Iterable[bool]) -> Rate:
    outcomes = list(found)
    return Rate(sum(outcomes), len(outcomes))
