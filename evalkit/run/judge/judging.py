"""Labelled answers are put to a judge, as in a run and through the same code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.checks.base import Grade, Seen
from evalkit.config import EMBEDDED_JUDGE, LOCAL, Config, ModelRef
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.connect import connect, open_endpoint
from evalkit.run.grading import EMBEDDED_JUDGE_PARAMS, JudgeDesk
from evalkit.run.judge.instructed import instructed, to_instruct
from evalkit.run.judge.labelled import Labelled
from evalkit.run.judge.positions import AnswerPair, Choice, answer_pairs, pair_request, read_choice


@dataclass(frozen=True, slots=True)
class Questions:
    """All that a judge is asked.

    Attributes:
        labelled: each graded once. repeated: places among them of those that are graded once more, with
            instructions to the judge. pairs: each shown in both orders.
    """

    labelled: tuple[Labelled, ...]
    repeated: tuple[int, ...]
    pairs: tuple[AnswerPair, ...]

    @property
    def requests(self) -> int:
        """How many that makes."""
        return len(self.labelled) + len(self.repeated) + 2 * len(self.pairs)


@dataclass(frozen=True, slots=True)
class Judged:
    """What the judge said, in the order of the questions.

    Attributes:
        fingerprint: of the judge, where its endpoint tells it.
    """

    grades: tuple[Grade, ...]
    instructed: tuple[Grade, ...]
    choices: tuple[tuple[Choice, Choice], ...]
    fingerprint: str | None


def questions(labelled: tuple[Labelled, ...]) -> Questions:
    """What is to be asked to know a judge; the same for the same answers."""
    return Questions(labelled, to_instruct(labelled), answer_pairs(labelled))


@dataclass(frozen=True, slots=True)
class Judging:
    """How a judge is asked. `advance` is called after each request; the others are as in RunOptions."""

    judge: ModelRef
    rubric: str
    config: Config
    concurrency: int
    max_cost: float | None
    advance: Callable[[], object]

    async def ask(self, asked: Questions) -> Judged:
        """Put all questions.

        Raises:
            UsageError: the judge cannot be reached.
            BudgetReached: asking on could pass the cap.
        """
        settings = self.config.endpoints[self.judge.endpoint]
        connection = await connect(open_endpoint(settings), settings, [self.judge.model])
        asker = Asker(
            {settings.name: connection}, None, Budget(self.max_cost), self.config.prices, lambda _: None
        )
        turns = asyncio.Semaphore(self.concurrency)
        told = instructed([asked.labelled[place] for place in asked.repeated])
        try:
            grades, again, choices = await asyncio.gather(
                self._grades(asked.labelled, asker, turns),
                self._grades(told, asker, turns),
                asyncio.gather(*(self._choices(pair, asker, turns) for pair in asked.pairs)),
            )
        finally:
            await connection.endpoint.close()
        return Judged(grades, again, tuple(choices), connection.fingerprints.get(self.judge.model))

    async def _grades(
        self, labelled: Sequence[Labelled], asker: Asker, turns: asyncio.Semaphore
    ) -> tuple[Grade, ...]:
        desk = JudgeDesk(self.judge, asker, asyncio.get_running_loop())
        return tuple(await asyncio.gather(*(self._grade(each, desk, turns) for each in labelled)))

    async def _grade(self, labelled: Labelled, desk: JudgeDesk, turns: asyncio.Semaphore) -> Grade:
        question: tuple[dict[str, Any], ...] = ()
        if labelled.question is not None:
            question = ({"role": "user", "content": labelled.question},)
        async with turns:
            grade = await asyncio.to_thread(desk, self.rubric, Seen(labelled.text, messages=question))
        self.advance()
        return grade

    async def _choices(
        self, pair: AnswerPair, asker: Asker, turns: asyncio.Semaphore
    ) -> tuple[Choice, Choice]:
        one, other = await asyncio.gather(*(self._choice(pair, order, asker, turns) for order in (0, 1)))
        return one, other

    async def _choice(self, pair: AnswerPair, order: int, asker: Asker, turns: asyncio.Semaphore) -> Choice:
        embedded = self.judge == ModelRef(EMBEDDED_JUDGE, LOCAL)
        params = EMBEDDED_JUDGE_PARAMS if embedded else {}
        async with turns:
            answer = await asker.ask(
                pair_request(self.judge.model, self.rubric, pair, order, params), self.judge.endpoint
            )
        self.advance()
        if answer.response is None:
            return Choice(None, f"the judge could not be asked: {answer.error}")
        return read_choice(answer.response)
