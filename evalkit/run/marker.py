"""Where answers are graded: on the event loop while that is quick, in a thread where it is not."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from evalkit.config import ModelRef
from evalkit.endpoints.base import Request
from evalkit.run.asker import Answer
from evalkit.run.grading import Asks, JudgeDesk, grade
from evalkit.run.plan import Task
from evalkit.run.records import RecordedVerdict

SLOW_S = 0.002
"""Grading that takes longer on average leaves the event loop, where it would hold up all other answers. The
way to a thread and back takes about 0.1 ms of CPU, many times what most checks take."""

WEIGHT = 0.1  # of the newest answer in the average

Marks = tuple[tuple[RecordedVerdict, ...], dict[str, Any]]
"""The verdicts, and what the judge took."""


class Marker:
    """Grades the answers of one session.

    Args:
        concurrency: answers under way at once.
        judges: who judges, by suite name; only suites with rubrics are in it.
        asker: asks the judges.
    """

    def __init__(self, concurrency: int, judges: Mapping[str, ModelRef], asker: Asks):
        self._judges, self._asker = judges, asker
        self._seconds: dict[str, float] = {}
        # Each worker waits for one grading at a time, so that no grading ever waits for a thread.
        self._threads = ThreadPoolExecutor(concurrency, thread_name_prefix="checks")

    async def graded(self, task: Task, request: Request, answer: Answer) -> Marks:
        """The verdicts on one answer; an error is never graded."""
        if answer.response is None:
            return (), {}
        if judge := self._judges.get(task.suite.name):
            desk = JudgeDesk(judge, self._asker, asyncio.get_running_loop())
            verdicts = await self._in_thread(task, request, answer, desk)
            return verdicts, desk.account()
        if self._seconds.get(task.suite.name, 0.0) > SLOW_S:
            return await self._in_thread(task, request, answer, None), {}
        return self._timed(task, request, answer, None), {}

    def close(self) -> None:
        """Let go of the threads. One may be waiting for a judge on this very loop: waiting for it here would
        block both."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _in_thread(
        self, task: Task, request: Request, answer: Answer, desk: JudgeDesk | None
    ) -> tuple[RecordedVerdict, ...]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._timed, task, request, answer, desk)

    def _timed(
        self, task: Task, request: Request, answer: Answer, desk: JudgeDesk | None
    ) -> tuple[RecordedVerdict, ...]:
        assert answer.response is not None
        began = time.perf_counter()
        verdicts = grade(task, request, answer.response, desk)
        before = self._seconds.get(task.suite.name, 0.0)
        self._seconds[task.suite.name] = before + WEIGHT * (time.perf_counter() - began - before)
        return verdicts
