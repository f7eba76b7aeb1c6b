"""What questions will roughly cost, before they are asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce

from evalkit import tokens
from evalkit.checks.base import Seen
from evalkit.checks.judging import judge_request
from evalkit.checks.rubric import Rubric
from evalkit.config import Config, judge_for
from evalkit.endpoints.base import Request, Usage
from evalkit.prices import Price, cost, price_of
from evalkit.run.plan import Plan, Task
from evalkit.suite import compose

CHARS_PER_TOKEN = 3
"""Where the encoding is unknown: fewer than any usual text has, so that the estimate is rather too high."""

USUAL_ANSWER_TOKENS = 256
"""Of an answer for which neither a reference nor max_tokens says how long it will be."""

GRADE_TOKENS = 60
"""Of a judge's form with a sentence of reason."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a plan will take, if nothing is cached. `usd` is None where a price is unknown."""

    requests: int = 0
    judge_requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    usd: float | None = 0.0

    @property
    def tokens(self) -> int:
        """Of prompts and answers together."""
        return self.prompt_tokens + self.completion_tokens

    def plus(self, question: Question) -> Estimate:
        """With one more question."""
        usd = cost(question.price, question.usage)
        return Estimate(
            requests=self.requests + (not question.of_judge),
            judge_requests=self.judge_requests + question.of_judge,
            prompt_tokens=self.prompt_tokens + (question.usage.prompt_tokens or 0),
            completion_tokens=self.completion_tokens + (question.usage.completion_tokens or 0),
            usd=None if self.usd is None or usd is None else self.usd + usd,
        )


@dataclass(frozen=True, slots=True)
class Question:
    """One request that will be made, to a model or to its judge."""

    usage: Usage
    price: Price | None
    of_judge: bool = False


def estimate(plan: Plan, config: Config) -> Estimate:
    """Add up what the plan's questions and their judges will take; nothing is asked.

    Answers are taken to be as long as their references.
    """
    questions = (question for task in plan for question in _questions(task, config))
    return reduce(Estimate.plus, questions, Estimate())


def reserved_usd(request: Request, price: Price | None) -> float | None:
    """What one request may cost at most, as far as that can be said; None where the price is unknown."""
    if price is None:
        return None
    if price.free:
        return 0.0  # without counting: the embedded models are asked thousands of times
    return cost(price, Usage(prompt_tokens(request), None, _most_tokens(request)))


def rubrics(task: Task) -> list[Rubric]:
    """The checks of a task that ask a judge."""
    named = (*task.suite.checks, *task.case.checks)
    return [each.check for each in named if isinstance(each.check, Rubric)]


def prompt_tokens(request: Request) -> int:
    """Tokens of the prompt by the model's encoding, or a cautious guess from its length."""
    if request.kind == "completions":
        text = request.prompt or ""
        counted = tokens.count(text, request.model)
    else:
        text = "".join(str(message.get("content") or "") for message in request.messages or ())
        counted = tokens.count_messages(request.messages or (), request.model)
    return math.ceil(len(text) / CHARS_PER_TOKEN) if counted is None else counted


def _questions(task: Task, config: Config) -> Iterator[Question]:
    request = compose(task.suite, task.case, task.variant)
    usage = Usage(prompt_tokens(request), None, _answer_tokens(request, task.case.reference))
    if task.variant.responses is None:
        yield Question(usage, price_of(request.model, task.variant.endpoint, config.prices))
    for rubric in rubrics(task):
        judge = judge_for(config, task.suite)
        seen = Seen(task.case.reference, messages=request.messages or ())
        asked = prompt_tokens(judge_request(judge.model, rubric.text, seen))
        price = price_of(judge.model, judge.endpoint, config.prices)
        yield Question(Usage(asked, None, GRADE_TOKENS), price, of_judge=True)


def _answer_tokens(request: Request, reference: str | None) -> int:
    """As many as the reference has, but no more than the request allows."""
    most = _most_tokens(request)
    if reference is None:
        return most
    counted = tokens.count(reference, request.model)
    return min(most, math.ceil(len(reference) / CHARS_PER_TOKEN) if counted is None else counted)


def _most_tokens(request: Request) -> int:
    asked = request.params.get("max_completion_tokens") or request.params.get("max_tokens")
    return asked if isinstance(asked, int) else USUAL_ANSWER_TOKENS
