"""Putting answers to a judge outside of a run: through the same code, but for no record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from evalkit.checks.base import Grade, Seen
from evalkit.checks.pairing import Choice, Versus, pair_request, read_choice
from evalkit.config import Config, ModelRef
from evalkit.run.asker import Asker
from evalkit.run.budget import Budget
from evalkit.run.connect import connect, open_endpoint
from evalkit.run.grading import JudgeDesk
from evalkit.run.labelled import Labelled


@dataclass(frozen=True, slots=True)
class Judging:
    """How answers are put to a judge.

    `advance` is called after each; the others are as in RunOptions.
    """

    judge: ModelRef
    rubric: str
    config: Config
    concurrency: int
    max_cost: float | None
    advance: Callable[[], object]

    @asynccontextmanager
    async def bench(self) -> AsyncIterator[Bench]:
        """The judge, ready to be asked, under one cap.

        Raises:
            UsageError: the judge cannot be reached.
        """
        settings = self.config.endpoints[self.judge.endpoint]
        connection = await connect(open_endpoint(settings), settings, [self.judge.model])
        budget = Budget(self.max_cost)
        asker = Asker({self.judge.endpoint: connection}, None, budget, self.config.prices, lambda _: None)
        try:
            yield Bench(self, asker, connection.fingerprints.get(self.judge.model))
        finally:
            await connection.endpoint.close()


class Bench:
    """A judge at work. Every method raises BudgetReached where asking on could pass the cap.

    Args:
        judging: how it is asked. asker: asks. fingerprint: of the judge's weights, where its endpoint tells.
    """

    def __init__(self, judging: Judging, asker: Asker, fingerprint: str | None):
        self.fingerprint, self._judging, self._asker = fingerprint, judging, asker
        self._desk = JudgeDesk(judging.judge, asker, asyncio.get_running_loop())
        self._turns = asyncio.Semaphore(judging.concurrency)

    async def grades(self, labelled: Sequence[Labelled]) -> list[Grade]:
        """A grade for each."""
        return await asyncio.gather(*(self._grade(each) for each in labelled))

    async def choices(self, pairs: Sequence[Versus]) -> list[Choice | None]:
        """Which of each two is better; None where the reply could not be read."""
        return await asyncio.gather(*(self._choice(pair) for pair in pairs))

    async def _grade(self, labelled: Labelled) -> Grade:
        question: tuple[dict[str, Any], ...] = ()
        if labelled.question is not None:
            question = ({"role": "user", "content": labelled.question},)
        async with self._turns:
            seen = Seen(labelled.text, messages=question)
            grade = await asyncio.to_thread(self._desk, self._judging.rubric, seen)
        self._judging.advance()
        return grade

    async def _choice(self, pair: Versus) -> Choice | None:
        request = pair_request(self._judging.judge.model, self._judging.rubric, pair)
        async with self._turns:
            answer = await self._asker.ask(request, self._judging.judge.endpoint)
        self._judging.advance()
        return read_choice(answer.response) if answer.response else None
