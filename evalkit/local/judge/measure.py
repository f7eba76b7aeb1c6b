"""What the judge says about answers, asked of the engine directly."""

from __future__ import annotations

import json
from collections.abc import Sequence

from evalkit.local.chat_template import ChatTemplate
from evalkit.local.corpus.grading.form import messages
from evalkit.local.corpus.grading.lessons import PASSING, shipped_rubric
from evalkit.local.engine.adapter import Adapter
from evalkit.local.engine.batch import Engine
from evalkit.local.engine.job import Job, TokenEvent
from evalkit.local.engine.weights import Model
from evalkit.local.judge.calibration import Label, Labelled

LONGEST_REPLY = 64  # tokens; the form takes about 30


def verdicts(
    model: Model, adapter: Adapter, template: ChatTemplate, answers: Sequence[Labelled]
) -> list[Label | None]:
    """The judge's label for each answer, at temperature 0; None where its reply is not the form."""
    engine = Engine(model)
    replies: list[list[int]] = [[] for _ in answers]
    for answer, reply in zip(answers, replies, strict=True):
        engine.submit(_job(answer, reply, adapter, template))
    while engine.step():
        pass
    return [_label(template.encoding.decode(reply)) for reply in replies]


def _job(answer: Labelled, reply: list[int], adapter: Adapter, template: ChatTemplate) -> Job:
    prompt = template.prompt(messages(shipped_rubric(), answer.question, answer.text))

    def keep(event: TokenEvent) -> None:
        if event.finished != "stop":
            reply.append(event.id)

    return Job(prompt.ids, keep, prompt.prefix, adapter, LONGEST_REPLY, stop_ids=template.stop_ids)


def _label(reply: str) -> Label | None:
    try:
        score = json.loads(reply)["score"]
    except (ValueError, KeyError, TypeError):
        return None
    return "pass" if score >= PASSING else "fail"
