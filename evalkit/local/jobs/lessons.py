"""Examples -> tokens to learn from, cut at their end to what a model reads, as at OpenAI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evalkit.local.backend import Template
from evalkit.local.chat_template import Lesson
from evalkit.local.jobs.training_file import BadTrainingFile, Chat, Choice, Pair, read_examples

Cut = tuple[tuple[int, ...], tuple[float, ...]]
"""The tokens of a text, and what each of them counts."""


def texts(path: Path, template: Template, longest: int) -> Iterator[Cut]:
    """The lessons of a supervised training file.

    Raises:
        BadTrainingFile: it is none.
    """
    for example in read_examples(path):
        if isinstance(example, Pair):
            yield _cut(template.text_lesson(example.prompt, example.completion), longest)
        elif isinstance(example, Chat):
            yield _cut(template.lesson(example.messages, example.tools), longest)
        else:
            raise BadTrainingFile(
                "invalid_training_file", "The file has pairs of answers, which DPO learns from"
            )


def preferences(path: Path, template: Template, longest: int) -> Iterator[tuple[Cut, Cut]]:
    """The better and the worse answer of each line of a DPO training file, each behind what was asked.

    Raises:
        BadTrainingFile: it is none.
    """
    for example in read_examples(path):
        if not isinstance(example, Choice):
            raise BadTrainingFile(
                "invalid_training_file", "The file has no pairs of answers, as DPO needs them"
            )
        better, worse = (
            _cut(template.lesson((*example.messages, answer), example.tools), longest)
            for answer in (example.better, example.worse)
        )
        yield better, worse


def _cut(lesson: Lesson, longest: int) -> Cut:
    return lesson.ids[:longest], lesson.weights[:longest]
