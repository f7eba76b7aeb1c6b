"""Two answers in one request, in both orders: does the judge's choice follow the answer, or its place?"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from evalkit.checks.judge_form import Unreadable, filled_in, form
from evalkit.endpoints.base import Request, Response
from evalkit.run.judge.labelled import Labelled, rate_of
from evalkit.stats import Kappa, Rate, kappa

AT_MOST = 60
"""Pairs; each is asked twice."""

PLACES = ("first", "second")

FORM = form("choice", "better", {"type": "string", "enum": list(PLACES)})


@dataclass(frozen=True, slots=True)
class AnswerPair:
    """An answer that should pass and one that should fail, to the same question or to none."""

    good: Labelled
    bad: Labelled


@dataclass(frozen=True, slots=True)
class Choice:
    """Which of two answers a judge prefers, by its place; None with the reason why that is unknown."""

    place: Literal["first", "second"] | None
    reason: str


@dataclass(frozen=True, slots=True)
class PositionBias:
    """What the order of two answers does to a judge's choice.

    Attributes:
        flipped: pairs in which another answer is preferred once they have changed places, of those whose two
            replies could be read.
        first: replies that prefer the first answer, of all that could be read; half, where places do not
            matter.
        kappa: agreement of the two orders on which answer is better; None without variety.
        unread: why the other replies could not be read, each with its number.
    """

    flipped: Rate
    first: Rate
    kappa: Kappa | None
    unread: Mapping[str, int]


def answer_pairs(labelled: Sequence[Labelled], seed: int = 0) -> tuple[AnswerPair, ...]:
    """At most 60 pairs, drawn; no answer is in two of them."""
    rng = random.Random(seed)
    by_question: defaultdict[str | None, tuple[list[Labelled], list[Labelled]]] = defaultdict(
        lambda: ([], [])
    )
    for each in rng.sample(labelled, len(labelled)):
        by_question[each.question][not each.passes].append(each)
    found = [AnswerPair(*pair) for sides in by_question.values() for pair in zip(*sides, strict=False)]
    return tuple(rng.sample(found, min(AT_MOST, len(found))))


def pair_request(
    model: str, rubric: str, pair: AnswerPair, order: int, params: Mapping[str, Any] | None = None
) -> Request:
    """The question which of two answers is better; `order` 0 shows the good one first, 1 the bad one."""
    answers = (pair.good, pair.bad)[:: -1 if order else 1]
    told = [
        f"The {place} answer:\n<<<\n{each.text}\n>>>" for place, each in zip(PLACES, answers, strict=True)
    ]
    question = [f"Question: {pair.good.question}"] if pair.good.question else []
    asked = "\n".join(
        (*question, *told, "Which of the two meets the rubric better: the first or the second?")
    )
    messages = ({"role": "system", "content": rubric}, {"role": "user", "content": asked})
    return Request(model, "chat", messages=messages, params={**(params or {}), "response_format": FORM})


def read_choice(response: Response) -> Choice:
    """What a reply chooses; None where it is not valid against the form."""
    try:
        return Choice(*filled_in(response, "better", PLACES))
    except Unreadable as fault:
        return Choice(None, str(fault))


def position_bias(choices: Sequence[tuple[Choice, Choice]]) -> PositionBias:
    """Of pairs, each with its two choices: one answer first, then the other."""
    read = [(one.place, other.place) for one, other in choices if one.place and other.place]
    replies = [choice for pair in choices for choice in pair]
    return PositionBias(
        flipped=rate_of(one == other for one, other in read),
        first=rate_of(choice.place == "first" for choice in replies if choice.place),
        kappa=kappa([one == "first" for one, _ in read], [other == "second" for _, other in read]),
        unread=Counter(choice.reason for choice in replies if choice.place is None),
    )
