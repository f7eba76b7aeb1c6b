"""language: is this text in the language that the suite expects?"""

from __future__ import annotations

import json
import time
from functools import cache
from pathlib import Path

import pytest

from evalkit.checks import Seen, Verdict, build
from evalkit.checks.detector import COMMON, LANGUAGES, RARE, _identifier
from evalkit.checks.units import words

TESTS = Path(__file__).resolve().parents[1]
LABELLED = TESTS.parent / "../shared/data/langid/labelled.jsonl"
FACTS = [json.loads(line) for line in (TESTS / "data/languages/facts.jsonl").read_text("utf-8").splitlines()]
FOUR = ("de", "en", "es", "fr")


def checked(code: str, text: str) -> Verdict:
    """The verdict on one answer."""
    return build("language", code).check(Seen(text))


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["text"])
def test_short_facts_are_told_apart(fact: dict[str, str]) -> None:
    """True in its own language and false in the other three, from three words on."""
    assert checked(fact["lang"], fact["text"]).passed is True
    for other in set(FOUR) - {fact["lang"]}:
        found = checked(other, fact["text"])
        assert found.passed is False or (found.passed is None and len(words(fact["text"])) < 3)


@pytest.mark.parametrize("text", ["Oslo", "Paris.", "OK", "1969", "🙂🙂🙂", "→ 12 % ←", "Lima!"])
@pytest.mark.parametrize("code", FOUR)
def test_what_could_be_any_language_gives_null(code: str, text: str) -> None:
    """A name, a number or a sign is no guess; the reason says why."""
    found = checked(code, text)
    assert found.passed is None
    assert "too short" in found.reason


@pytest.mark.parametrize(
    "text",
    [
        "Die Hauptstadt von Norwegen ist Oslo. The capital of Norway is Oslo.",
        "Das weiß doch jeder, oder etwa nicht?\nTout le monde le sait, bien sûr.",
        "Es ist ganz einfach: Der Adler ist ein Vogel. El águila es un ave muy grande y hermosa.",
    ],
)
def test_a_mixed_answer_gives_null(text: str) -> None:
    """Clearly German in one part and clearly not in another; the reason quotes the other part."""
    found = checked("de", text)
    assert found.passed is None
    assert found.reason.startswith("in several languages")


def test_a_foreign_title_does_not_make_an_answer_mixed() -> None:
    """Names inside German sentences are German text."""
    text = (
        "William Shakespeare schrieb „Romeo and Juliet“. Das weiß doch jeder. Auch „The Tempest“ ist von ihm."
    )
    assert checked("de", text).passed is True


def test_the_reason_says_which_language_it_looks_like() -> None:
    """And the value is its code."""
    found = checked("de", "The capital of Norway is Oslo.")
    assert found.value == "en"
    assert found.reason == 'want de, looks like en: "The capital of Norway is Oslo."'


def test_norwegian_has_two_forms_and_one_code() -> None:
    """Bokmål and Nynorsk are both `no`."""
    assert checked("no", "Jeg vet ikke hva han heter, men han kommer fra Bergen.").passed is True
    assert checked("no", "Eg veit ikkje kva han heiter, men han kjem frå Bergen.").passed is True


def test_the_lists_agree_with_the_detector() -> None:
    """Every code that a suite may write is one that the detector knows, and the other way round."""
    known = {code for code, _ in _identifier().rank("") if len(code) == 2} - {"nn"}
    assert known == LANGUAGES
    assert not COMMON & RARE


def test_a_text_takes_milliseconds() -> None:
    """Once loaded: also a long one, of which the beginning is read."""
    text = "Die Hauptstadt von Norwegen ist Oslo, und das weiß auch jeder. " * 500
    checked("de", text)
    started = time.process_time()
    for _ in range(20):
        checked("de", text)
    assert (time.process_time() - started) / 20 < 0.01


@cache
def _verdicts(kind: str) -> tuple[list[bool | None], list[bool | None]]:
    """Of all labelled texts of a kind: asked for their own language, and for each of four others."""
    rows = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    texts = [({"nb": "no"}.get(row["lang"], row["lang"]), row["text"]) for row in rows if row["kind"] == kind]
    own = [checked(language, text).passed for language, text in texts]
    others = [checked(code, text).passed for language, text in texts for code in FOUR if code != language]
    return own, others


@pytest.mark.skipif(not LABELLED.exists(), reason="the labelled texts are not beside the checkout")
@pytest.mark.parametrize(
    ("kind", "least_true", "most_false", "most_wrongly_true"),
    [("sentences", 0.99, 0.0, 0.001), ("word-pairs", 0.93, 0.0, 0.01), ("single-words", 0.75, 0.01, 0.03)],
)
def test_the_figures_of_the_docstring(
    kind: str, least_true: float, most_false: float, most_wrongly_true: float
) -> None:
    """On third-party texts: right nearly always, and rather null than wrong."""
    own, others = _verdicts(kind)
    assert own.count(True) / len(own) >= least_true
    assert own.count(False) / len(own) <= most_false
    assert others.count(True) / len(others) <= most_wrongly_true
