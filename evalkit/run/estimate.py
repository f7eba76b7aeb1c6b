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

BYTES_PER_TOKEN = 3
"""Where tokens are guessed: fewer than any usual text has, so that the estimate is rather too high."""

TOKENS_PER_MESSAGE = 4
"""Beside its text, where tokens are guessed."""

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


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts tokens by the models' own encodings, as far as those are known; else guesses by length.

    OpenAI's encodings take half a second and 60 MB: unless it is to be exact, they are guessed at too, since
    the process that asks does without them.
    """

    exact: bool

    def text(self, text: str, model: str) -> int:
        """Tokens of one text."""
        counted = tokens.count(text, model) if self._counts(model) else None
        return _guessed(text) if counted is None else counted

    def prompt(self, request: Request) -> int:
        """Tokens of all that is asked."""
        if request.kind == "completions":
            return self.text(request.prompt or "", request.model)
        messages = request.messages or ()
        counted = tokens.count_messages(messages, request.model) if self._counts(request.model) else None
        if counted is not None:
            return counted
        texts = (str(message.get("content") or "") for message in messages)
        return sum(_guessed(text) + TOKENS_PER_MESSAGE for text in texts)

    def _counts(self, model: str) -> bool:
        return self.exact or tokens.encoding_name(model) == tokens.EMBEDDED


EXACT, BY_LENGTH = Counter(exact=True), Counter(exact=False)


def estimate(plan: Plan, config: Config, counter: Counter = BY_LENGTH) -> Estimate:
    """Add up what the plan's questions and their judges will take; nothing is asked.

    Answers are taken to be as long as their references.
    """
    questions = (question for task in plan for question in _questions(task, config, counter))
    return reduce(Estimate.plus, questions, Estimate())


def reserved_usd(request: Request, price: Price | None) -> float | None:
    """What one request may cost at most, as far as that can be said; None where the price is unknown."""
    if price is None:
        return None
    if price.free:
        return 0.0  # without counting: the embedded models are asked thousands of times
    return cost(price, Usage(BY_LENGTH.prompt(request), None, _most_tokens(request)))


def rubrics(task: Task) -> list[Rubric]:
    """The checks of a task that ask a judge."""
    named = (*task.suite.checks, *task.case.checks)
    return [each.check for each in named if isinstance(each.check, Rubric)]


def _questions(task: Task, config: Config, counter: Counter) -> Iterator[Question]:
    request = compose(task.suite, task.case, task.variant)
    usage = Usage(counter.prompt(request), None, _answer_tokens(request, task.case.reference, counter))
    if task.variant.responses is None:
        yield Question(usage, price_of(request.model, task.variant.endpoint, config.prices))
    for rubric in rubrics(task):
        judge = judge_for(config, task.suite)
        seen = Seen(task.case.reference, messages=request.messages or ())
        asked = counter.prompt(judge_request(judge.model, rubric.text, seen))
        price = price_of(judge.model, judge.endpoint, config.prices)
        yield Question(Usage(asked, None, GRADE_TOKENS), price, of_judge=True)


def _answer_tokens(request: Request, reference: str | None, counter: Counter) -> int:
    """As many as the reference has, but no more than the request allows."""
    most = _most_tokens(request)
    return most if reference is None else min(most, counter.text(reference, request.model))


def _most_tokens(request: Request) -> int:
    asked = request.params.get("max_completion_tokens") or request.params.get("max_tokens")
    return asked if isinstance(asked, int) else USUAL_ANSWER_TOKENS


def _guessed(text: str) -> int:
    return math.ceil(len(text.encode("utf-8", "replace")) / BYTES_PER_TOKEN)
