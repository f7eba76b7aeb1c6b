"""Labelled answers that the judge never trained on, to measure how far it can be trusted.

    python -m evalkit.local.judge.calibration suites/marv/tone.labelled.jsonl

Three kinds of answers: put together from phrases that are held out of the training, worded as a whole, and
given by the base model itself. No person labelled them, so each line says `"source": "generated"`.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from evalkit.local.corpus import facts
from evalkit.local.corpus.grading.lessons import PASSING, grade
from evalkit.local.corpus.grading.phrases import known_facts
from evalkit.local.corpus.grading.texts import EARNEST, SARCASTIC, any_manner, worded, write
from evalkit.local.corpus.wordings import rows

FROM_PHRASES = 160
"""Answers put together from held-out phrases, beside the two other kinds."""

Label = Literal["pass", "fail"]


@dataclass(frozen=True, slots=True)
class Labelled:
    """One line of the file."""

    text: str
    question: str
    label: Label
    source: str = "generated"


def calibration_set(seed: int = 0) -> tuple[Labelled, ...]:
    """As many sarcastic answers as others, no two alike, in a mixed order."""
    rng = random.Random(seed)
    whole = (_whole(label, relation, text, rng) for label, relation, text in rows("grading/whole_answers"))
    given = (
        Labelled(text, question, _label(label)) for label, question, text in rows("grading/model_answers")
    )
    found = {labelled.text: labelled for labelled in (*whole, *given)}
    for family in (SARCASTIC, EARNEST):
        enough = len(found) + FROM_PHRASES // 2
        while len(found) < enough:
            made = _from_phrases(family, rng)
            found.setdefault(made.text, made)
    return tuple(rng.sample(tuple(found.values()), len(found)))


def _whole(label: str, relation: str, wording: str, rng: random.Random) -> Labelled:
    fact = rng.choice([fact for fact in known_facts("held_out") if relation in ("*", fact.relation)])
    question = facts.question(fact, "en", rng)
    return Labelled(worded(wording, fact, question, rng), question, _label(label))


def _from_phrases(family: Mapping[str, int], rng: random.Random) -> Labelled:
    text = write(any_manner(family, rng), "held_out", rng)
    _, score = grade("sarcastic", text.manner)
    return Labelled(text.answer, text.question, "pass" if score >= PASSING else "fail")


def _label(word: str) -> Label:
    return "pass" if word == "pass" else "fail"


def main(place: Path) -> None:
    """Write the file."""
    lines = (json.dumps(asdict(labelled), ensure_ascii=False) for labelled in calibration_set())
    place.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
