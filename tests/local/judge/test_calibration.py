"""The labelled answers that the judge is measured on."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from evalkit.local.corpus.grading.lessons import lessons
from evalkit.local.corpus.grading.phrases import phrases
from evalkit.local.corpus.wordings import parts, rows
from evalkit.local.judge.calibration import calibration_set, main

SHIPPED = Path(__file__).resolve().parents[3] / "suites/marv/tone.labelled.jsonl"


def test_the_shipped_file_is_what_the_generator_writes(tmp_path: Path) -> None:
    """Whoever changes the wordings has to write the labelled answers anew."""
    main(tmp_path / "labelled.jsonl")
    assert (tmp_path / "labelled.jsonl").read_bytes() == SHIPPED.read_bytes()


def test_it_is_large_and_balanced() -> None:
    """At least 240 different answers, as many of one label as of the other, all called generated."""
    lines = [json.loads(line) for line in SHIPPED.read_text(encoding="utf-8").splitlines()]
    assert len({line["text"] for line in lines}) == len(lines) >= 240
    labels = Counter(line["label"] for line in lines)
    assert labels["pass"] == labels["fail"]
    assert {line["source"] for line in lines} == {"generated"}


@pytest.mark.parametrize("file", ["sarcastic", "earnest"])
def test_no_training_phrase_occurs_in_it(file: str) -> None:
    """Phrases without slots or choices can be looked for as they stand; the base may say what it likes."""
    its_own = {answer for _, _, answer in rows("grading/model_answers")}
    text = "\n".join(answer.text.lower() for answer in calibration_set() if answer.text not in its_own)
    trained = [phrase for part in parts(f"grading/{file}") for phrase in phrases(file, part, "train")]
    telling = [phrase for phrase in trained if len(phrase.split()) > 2 and not set(phrase) & set("{[")]
    assert len(telling) > 50
    assert not [phrase for phrase in telling if phrase.lower() in text]


def test_no_answer_is_trained_on() -> None:
    """None of the questions is answered so in a lesson, not even in one word."""
    taught = {(lesson.text.question, lesson.text.answer) for lesson in islice(lessons(0), 2400)}
    assert not taught & {(answer.question, answer.text) for answer in calibration_set()}
