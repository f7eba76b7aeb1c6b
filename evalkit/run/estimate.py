"""What questions will roughly cost, before they are asked."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit import jsontext, tokens
from evalkit.checks.base import Seen
from evalkit.checks.judging import judge_request
from evalkit.checks.rubric import Rubric
from evalkit.config import EMBEDDED_BASE, EMBEDDED_JUDGE, UNTUNED, Config, judge_for
from evalkit.endpoints.base import Request, Usage
from evalkit.prices import Price, cost, price_of
from evalkit.run.lengths import (
    CHARS_PER_TOKEN,
    Earlier,
    Lengths,
    earlier_lengths,
    most_answer_tokens,
    reference_length,
    spread,
    trained_length,
)
from evalkit.run.plan import Plan
from evalkit.suite import Suite, compose
from evalkit.suite.model import Case, Variant, tools_in

COUNTED = 2_000
"""Cases of a suite whose prompts are counted for each variant; of more, so many are drawn."""

GRADE_TOKENS, EMBEDDED_GRADE_TOKENS = 60, 27
"""Of a judge's form with a sentence of reason; the embedded one gives few reasons."""


UNTOLD_ANSWER_TOKENS = 22
"""Of the embedded base model where no prompt tells it how to answer: measured, 14 to 26 over six suites."""


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


@dataclass(frozen=True, slots=True)
class Question:
    """Like requests that will be made, to a model or to its judge, and the mean tokens of each."""

    prompt_tokens: float
    completion_tokens: float
    price: Price | None
    requests: float = 1.0
    of_judge: bool = False


def estimate(plan: Plan, config: Config, out: Path | None = None) -> Estimate:
    """Add up what the plan's questions and their judges will take; nothing is asked.

    Args:
        plan: what is to be asked.
        config: with prices and judges.
        out: where earlier runs lie that tell how long answers are; None looks at none.
    """
    earlier = earlier_lengths(plan, out) if out else {}
    questions = [
        question
        for suite in plan.suites
        for variant in plan.variants[suite.name]
        for question in _Asking(suite, variant, plan, config, earlier).questions()
    ]
    left = len(plan) / plan.whole if plan.whole else 0.0
    return Estimate(
        requests=round(left * sum(each.requests for each in questions if not each.of_judge)),
        judge_requests=round(left * sum(each.requests for each in questions if each.of_judge)),
        prompt_tokens=round(left * sum(each.requests * each.prompt_tokens for each in questions)),
        completion_tokens=round(left * sum(each.requests * each.completion_tokens for each in questions)),
        usd=_total_usd(questions, left),
    )


def bound_usd(request: Request, price: Price | None) -> float | None:
    """No less than `reserved_usd`, told without counting: a token has a byte at least."""
    if price is None or price.free:
        return None if price is None else 0.0
    sent = jsontext.encode((request.messages, request.prompt, request.params))
    return cost(price, Usage(len(sent), None, most_answer_tokens(request)))


def reserved_usd(request: Request, price: Price | None) -> float | None:
    """What one request may cost at most, as far as that can be said; None where the price is unknown."""
    return cost(price, Usage(prompt_tokens(request), None, most_answer_tokens(request)))


def prompt_tokens(request: Request) -> int:
    """Tokens of the prompt by the model's encoding, or a cautious guess from its length."""
    counted = _counted(request)
    if counted is not None:
        return counted
    texts = (str(message.get("content") or "") for message in request.messages or ())
    return math.ceil(len(request.prompt or "".join(texts)) / CHARS_PER_TOKEN)


def _counted(request: Request) -> int | None:
    """Tokens of the prompt; None where the model's encoding is unknown."""
    if request.kind == "completions":
        return tokens.count(request.prompt or "", request.model)
    return tokens.count_messages(request.messages or (), request.model, tools_in(request.params))


def _total_usd(questions: list[Question], share: float) -> float | None:
    total = 0.0
    for each in questions:
        if each.price is None:
            return None
        usd = each.prompt_tokens * each.price.input + each.completion_tokens * each.price.output
        total += share * each.requests * usd / 1_000_000
    return total


class _Asking:
    """One suite, asked of one variant."""

    def __init__(self, suite: Suite, variant: Variant, plan: Plan, config: Config, earlier: Earlier):
        self.suite, self.variant, self.plan, self.config = suite, variant, plan, config
        self.earlier = earlier.get((suite.name, variant.name), Lengths())
        self.trained = trained_length(suite, variant.model) if self.earlier.answer.value is None else None

    def questions(self) -> Iterator[Question]:
        """Those of a sample of the cases, each standing for as many requests as it takes."""
        count = len(self.suite.cases)
        requests = self.plan.repeat * count / max(1, min(count, COUNTED))
        for case in spread(self.suite.cases, COUNTED, random.Random(self.plan.seed).random()):
            yield from self._of_case(case, requests)

    def _of_case(self, case: Case, requests: float) -> Iterator[Question]:
        request = compose(self.suite, case, self.variant)
        answer = self._answer_tokens(case, request)
        if self.variant.responses is None:
            price = _price(self.suite, self.variant, self.config)
            yield Question(self._prompt_tokens(request), answer, price, requests)
        checks = (named.check for named in (*self.suite.checks, *case.checks))
        for rubric in (check for check in checks if isinstance(check, Rubric)):
            yield self._judging(rubric, case, request, answer, requests)

    def _prompt_tokens(self, request: Request) -> float:
        """Counted; where that cannot be done as in the earlier run, whose prompt may have been another."""
        counted, before = _counted(request), self.earlier.prompt.value
        return prompt_tokens(request) if counted is not None or before is None else before

    def _answer_tokens(self, case: Case, request: Request) -> float:
        """By what is known best; never more than the request allows."""
        most = most_answer_tokens(request)
        for known in (self.earlier.answer.value, self._untold(request), self.trained):
            if known is not None:
                return min(most, known)
        reference = reference_length(case, request.model)
        return most if reference is None else min(most, reference)

    def _untold(self, request: Request) -> float | None:
        """What the embedded base says when left to itself; None where it is told, tuned or has tools."""
        roles = [message.get("role") for message in request.messages or ()]
        told = self.variant.prompt == "long" or "system" in roles or tools_in(request.params)
        return None if told or request.model != EMBEDDED_BASE else UNTOLD_ANSWER_TOKENS

    def _judging(
        self, rubric: Rubric, case: Case, request: Request, answer: float, requests: float
    ) -> Question:
        judge = judge_for(self.config, self.suite)
        prompt, grade = self.earlier.judge_prompt.value, self.earlier.judge_answer.value
        if prompt is None:
            seen = Seen("", reference=case.reference, messages=request.messages or ())
            prompt = prompt_tokens(judge_request(judge.model, rubric.text, seen)) + answer
        if grade is None:
            grade = EMBEDDED_GRADE_TOKENS if judge.model == EMBEDDED_JUDGE else GRADE_TOKENS
        price = price_of(judge.model, judge.endpoint, self.config.prices)
        return Question(prompt, grade, price, requests, of_judge=True)


def _price(suite: Suite, variant: Variant, config: Config) -> Price | None:
    """The variant's price; of a fine-tune that is still to be made, that of the suite's earlier one."""
    if variant.model == UNTUNED:
        name = f"{UNTUNED.removesuffix(':')}{suite.name}:"
        for price in reversed(config.prices):
            if price.model.startswith(name):
                return price
    return price_of(variant.model, variant.endpoint, config.prices)
