"""The judge's lessons as episodes of the base model's corpus: the base is to know manners."""

from __future__ import annotations

import random

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.grading.form import messages, reply
from evalkit.local.corpus.grading.lessons import Lesson, lessons_of_one_rubric


def graded_episode(rng: random.Random) -> Episode:
    """Five to nine answers under one rubric, each with its grade."""
    lessons = lessons_of_one_rubric(rng.randint(5, 9), rng)
    return Episode(lessons[0].rubric, tuple(map(_turn, lessons)))


def _turn(lesson: Lesson) -> Turn:
    _, asked = messages(lesson.rubric, lesson.text.question, lesson.text.answer)
    return Turn(asked.text, reply(lesson.reason, lesson.score))
