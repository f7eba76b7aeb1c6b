"""An answer -> verdicts: the suite's checks and the case's own."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, Protocol

from evalkit.checks.base import Grade, Judge, Seen, Verdict, unsure, verdict
from evalkit.checks.judging import judge_request, read_grade
from evalkit.config import EMBEDDED_JUDGE, LOCAL, ModelRef
from evalkit.endpoints.base import Request, Response, Usage
from evalkit.errors import EvalkitError
from evalkit.run.asker import Answer
from evalkit.run.plan import Task
from evalkit.run.records import WHOLE, RecordedVerdict
from evalkit.suite.model import NamedCheck, tools_in

EMBEDDED_RUBRIC = "c7bc3575dd20d5c41ff4eb22f333aec9c5f0d7ec0a5b0967c6d68d0afd0c4d7b"
"""The SHA-256 of the rubric that the embedded judge was trained for: suites/marv/tone.md, stripped."""

EMBEDDED_JUDGE_PARAMS = {"temperature": 0, "max_tokens": 128}
"""To a judge elsewhere nothing is sent but the form: many models refuse a temperature."""


class Asks(Protocol):
    """Whoever answers requests: the run's Asker."""

    def ask(self, request: Request, endpoint: str, repeat: int = 0) -> Coroutine[Any, Any, Answer]:
        """Answer one request."""
        ...


def grade(
    task: Task, request: Request, response: Response, judge: Judge | None
) -> tuple[RecordedVerdict, ...]:
    """Put one answer to all its checks. Blocks while a judge thinks: to be called in a thread.

    Raises:
        EvalkitError: the judge may not be asked any more (budget, storage).
    """
    seen = Seen(
        text=response.text,
        tool_calls=response.tool_calls,
        finish_reason=response.finish_reason,
        refusal=response.refusal,
        reference=task.case.reference,
        reference_calls=task.case.reference_calls,
        tools=tools_in(request.params),
        messages=request.messages or (),
        model=request.model,
        judge=judge,
    )
    whole = wholeness(task, response)
    first = () if whole.passed else (_recorded(WHOLE, "property", whole),)
    return (*first, *(_checked(named, seen) for named in (*task.suite.checks, *task.case.checks)))


def wholeness(task: Task, response: Response) -> Verdict:
    """Whether the answer is whole: not refused, filtered or cut off, and no tool call where text was due.

    Legacy completions may end at max_tokens: a classifier of that kind is asked for one token.
    """
    if response.refusal:
        return verdict(False, "refusal", f"the model refused: {response.refusal[:200]}")
    if response.finish_reason == "content_filter":
        return verdict(False, "content_filter", "the endpoint's filter held the answer back")
    if response.finish_reason == "length" and task.case.kind == "chat":
        return verdict(False, "length", "the answer was cut off: raise max_tokens, or ask for less")
    if response.tool_calls and task.case.reference is not None and not task.case.reference_calls:
        return verdict(False, "tool_calls", "the model called a tool where text was due")
    return verdict(True, None, "")


@dataclass(slots=True)
class JudgeDesk:
    """The judge of one answer: called in a check's thread, asks on the event loop, keeps the account."""

    ref: ModelRef
    asker: Asks
    loop: asyncio.AbstractEventLoop
    answers: list[Answer] = field(default_factory=list)

    def __call__(self, rubric: str, seen: Seen) -> Grade:
        """Have one answer graded; without a readable grade its score is None."""
        embedded = self.ref == ModelRef(EMBEDDED_JUDGE, LOCAL)
        if embedded and hashlib.sha256(rubric.strip().encode()).hexdigest() != EMBEDDED_RUBRIC:
            return Grade(
                None, "the embedded judge knows the rubric of suites/marv alone; name one with --judge"
            )
        params = EMBEDDED_JUDGE_PARAMS if embedded else {}
        request = judge_request(self.ref.model, rubric, seen, params)
        asking = self.asker.ask(request, self.ref.endpoint)
        answer = asyncio.run_coroutine_threadsafe(asking, self.loop).result()
        self.answers.append(answer)
        if answer.response is None:
            return Grade(None, f"the judge could not be asked: {answer.error}")
        return read_grade(answer.response)

    def account(self) -> dict[str, Any]:
        """What this answer's judging took, for its record; a total is None where one part is unknown."""
        if not self.answers:
            return {}
        usages = [answer.response.usage if answer.response else Usage() for answer in self.answers]
        return {
            "model": self.ref.model,
            "endpoint": self.ref.endpoint,
            "requests": len(self.answers),
            "cached": sum(answer.cached for answer in self.answers),
            "prompt_tokens": _total([usage.prompt_tokens for usage in usages]),
            "completion_tokens": _total([usage.completion_tokens for usage in usages]),
            "cost_usd": _total([answer.cost_usd for answer in self.answers]),
            "possibly_billed": sum(answer.possibly_billed for answer in self.answers),
        }


def _checked(named: NamedCheck, seen: Seen) -> RecordedVerdict:
    """One check's verdict. A check that breaks loses its verdict, not the answer that was paid for."""
    try:
        found = named.check.check(seen)
    except EvalkitError:
        raise
    except Exception as broken:
        found = unsure(
            f"the check itself failed, which is a fault of evalkit: {type(broken).__name__}: {broken}"
        )
    return _recorded(named.name, named.kind, found)


def _recorded(name: str, kind: Any, found: Verdict) -> RecordedVerdict:
    return RecordedVerdict(name, kind, found.passed, found.score, found.value, found.reason)


def _total(values: list[Any]) -> Any:
    return None if None in values else sum(values)
