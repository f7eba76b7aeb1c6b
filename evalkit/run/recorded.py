"""Variants that are answered from files: nothing is asked, all else is as in any run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

from evalkit.config import EMBEDDED_BASE, LOCAL
from evalkit.endpoints.answer_index import AnswerIndex, Listed
from evalkit.endpoints.base import RECORDED, Request
from evalkit.endpoints.recorded import question, question_of
from evalkit.errors import AskError
from evalkit.prices import Price, cost, price_of
from evalkit.run.asker import Answer
from evalkit.run.plan import Plan, Task
from evalkit.suite import compose
from evalkit.suite.model import Case, PromptUse, Suite, Variant
from evalkit.tokens import ft_base

NO_ANSWER = "no_answer"
"""The type of error of a case for which the file has no answer."""


@dataclass(frozen=True, slots=True)
class Matched:
    """How a variant's cases and recorded answers go together.

    Attributes:
        variant: its name.
        file: as it was named. `sha256`: of it.
        answers: how many the file has of the variant.
        unmatched: answers for no case of the suites.
        further: answers beyond the first `--repeat` of their cases, which are not graded.
        cases: how many are to be answered.
        missing: those of them without an answer, or with too few.
    """

    variant: str
    file: str
    sha256: str
    answers: int
    unmatched: Listed
    further: int
    cases: int
    missing: Listed

    def notes(self) -> Iterator[str]:
        """What a person should know before figures are made of it, a line each."""
        if self.unmatched.count:
            count = f"{self.unmatched.count:,} of {self.answers:,} answers"
            yield f"{self.file}: {count} match no case: {self.unmatched}"
        if self.missing.count:
            count = f"{self.missing.count:,} of {self.cases:,} cases"
            yield f"{self.variant}: {count} have no answer, or too few, in {self.file}: {self.missing}"
        if self.further:
            yield f"{self.file}: {self.further:,} more answers of the same cases; --repeat N grades N of each"


class RecordedAnswers:
    """The files of a run's recorded variants, open until `close`.

    Args:
        suites: with all their cases: an answer for a case that is not selected is no stray.
        plan: with the selected ones.
        prices: the user's own.

    Attributes:
        matched: what each file has for its variant.

    Raises:
        InputError: a file cannot be used.
        StorageError: there is no room for an index.
    """

    def __init__(self, suites: Sequence[Suite], plan: Plan, prices: Iterable[Price]):
        self._prices = tuple(prices)
        self._indexes: dict[tuple[str, str], AnswerIndex] = {}
        self.matched: list[Matched] = []
        for variant in _recorded(plan):
            index = self._indexes[_key(variant)] = AnswerIndex(Path(str(variant.responses)), variant.name)
            self.matched.append(_match(index, variant, suites, plan))

    def answer(self, task: Task, request: Request) -> Answer | None:
        """The answer to a task, or the error that the file has none; None where the variant is to be asked.

        Raises:
            InputError: the file has changed since the run began.
        """
        if task.variant.responses is None:
            return None
        index = self._indexes[_key(task.variant)]
        line = index.find(task.suite.name, task.case.id, task.repeat)
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        if line is None:
            which = "no answer" if task.repeat == 0 else f"no answer number {task.repeat + 1}"
            error = AskError(NO_ANSWER, f"{index.path} has {which} for this case")
            return Answer(None, error, None, cached=False, attempts=0, at=now)
        if line.question is not None and line.question not in _all_questions(task):
            error = AskError(NO_ANSWER, f"{index.path} has an answer to another question for this case")
            return Answer(None, error, None, cached=False, attempts=0, at=now)
        response = line.answer()
        usd = cost(self._price(request.model or line.model or ""), response.usage)
        return Answer(response, None, usd, cached=False, attempts=0, at=line.at or now)

    def _price(self, model: str) -> Price | None:
        """By the model alone, wherever it was asked; the embedded ones are known by their names."""
        embedded = (ft_base(model) or model).startswith(EMBEDDED_BASE)
        return price_of(model, LOCAL if embedded else RECORDED, self._prices)

    @property
    def digests(self) -> dict[str, str]:
        """The SHA-256 of every file, by its name."""
        return {each.file: each.sha256 for each in self.matched}

    def notes(self) -> Iterator[str]:
        """What a person should know before figures are made of these answers, a line each."""
        for each in self.matched:
            yield from each.notes()

    def to_json(self) -> list[dict[str, Any]]:
        """For run.json: what went together, and what did not."""
        return [asdict(each) for each in self.matched]

    def close(self) -> None:
        """Let go of the files."""
        for index in self._indexes.values():
            index.close()


def all_recorded(info: Mapping[str, Any]) -> bool:
    """Whether every variant of a run, of which this is run.json, is answered from a file: to go on with it
    brings no further answer."""
    found = info["plan"]["variants"].values()
    return all(variant.get("responses") for variants in found for variant in variants.values())


def recorded_variants(info: Mapping[str, Any]) -> set[str]:
    """The variants of a run, of which this is run.json, that are answered from files in every suite."""
    found = [
        (name, variant.get("responses"))
        for variants in info["plan"]["variants"].values()
        for name, variant in variants.items()
    ]
    return {name for name, _ in found} - {name for name, file in found if not file}


def _recorded(plan: Plan) -> Iterator[Variant]:
    """The variants that are answered from a file, each once."""
    seen = set()
    for variants in plan.variants.values():
        for variant in variants:
            if variant.responses is not None and _key(variant) not in seen:
                seen.add(_key(variant))
                yield variant


def _key(variant: Variant) -> tuple[str, str]:
    return (variant.name, str(variant.responses))


def _match(index: AnswerIndex, variant: Variant, suites: Sequence[Suite], plan: Plan) -> Matched:
    for suite in suites:
        for case in suite.cases:
            index.expect(suite.name, case.id, _questions(suite, case, variant))
    index.match()
    cases, missing = 0, Listed()
    for suite in plan.suites:
        if _key(variant) in map(_key, plan.variants[suite.name]):
            cases += len(suite.cases)
            for case in suite.cases:
                if not index.has(
                    suite.name, case.id, plan.repeat - 1
                ):  # they are counted from 0, without gaps
                    missing = missing.plus(case.id)
    return Matched(
        variant=variant.name,
        file=str(index.path),
        sha256=index.sha256,
        answers=index.count,
        unmatched=index.unmatched(),
        further=index.beyond(plan.repeat),
        cases=cases,
        missing=missing,
    )


def _all_questions(task: Task) -> set[bytes]:
    """All ways in which the suite asks a case: an answer may have been recorded of another variant."""
    variants = (replace(task.variant, prompt=use) for use in get_args(PromptUse))
    return {name for variant in variants for name in _questions(task.suite, task.case, variant)}


def _questions(suite: Suite, case: Case, variant: Variant) -> set[bytes]:
    """The case as it stands, and as the variant is asked: a template may surround it."""
    sent = compose(suite, case, variant)
    if sent.kind == "completions":
        return {question_of(case.prompt or ""), question_of(sent.prompt or "")}
    return {question(case.messages), question(sent.messages or ())}
