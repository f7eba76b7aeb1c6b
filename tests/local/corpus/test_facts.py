"""The table of facts: complete in four languages, and answered in the promised lengths."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from evalkit.local.corpus import facts
from evalkit.local.corpus.facts import LANGUAGES, RELATIONS, Fact, all_facts

FACTS = all_facts()


def test_every_fact_has_all_four_languages() -> None:
    """No subject or answer is missing or padded, in any language."""
    for fact in FACTS:
        for forms in (fact.subject, fact.answer):
            assert tuple(forms) == LANGUAGES, fact.id
            assert all(form and form == form.strip() for form in forms.values()), fact.id


def test_ids_are_unique() -> None:
    """Suites refer to facts by id, so no two facts share one."""
    assert max(Counter(fact.id for fact in FACTS).values()) == 1


def test_a_question_never_has_two_answers() -> None:
    """Within a relation and language no subject stands twice: the model could not know which is meant."""
    asked = Counter((fact.relation, lang, fact.subject[lang]) for fact in FACTS for lang in LANGUAGES)
    assert [place for place, times in asked.items() if times > 1] == []


def test_the_table_is_wide() -> None:
    """Every relation has facts; a tiny model must have enough of them, and not too many to learn."""
    assert {fact.relation for fact in FACTS} == set(RELATIONS)
    assert 250 <= len(FACTS) <= 350


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_relation_has_several_questions(lang: str) -> None:
    """Five wordings at least, each of which names the subject."""
    rng = random.Random(0)
    for relation in RELATIONS:
        fact = next(fact for fact in FACTS if fact.relation == relation)
        asked = {facts.question(fact, lang, rng) for _ in range(200)}
        assert len(asked) >= 5, relation
        assert all(
            fact.subject[lang] in wording for wording in asked if not wording.startswith(fact.subject[lang])
        )


@pytest.mark.parametrize("lang", LANGUAGES)
def test_plain_answers_are_wordy_and_short_ones_short(lang: str) -> None:
    """Ten words or more by default, at most seven when short, in several variants each."""
    rng = random.Random(0)
    for fact in FACTS:
        plain = {facts.plain(fact, lang, rng) for _ in range(40)}
        short = {facts.short(fact, lang, rng) for _ in range(40)}
        assert len(plain) > 2, fact.id
        assert min(len(text.split()) for text in plain) >= facts.PLAIN_WORDS, fact.id
        assert max(len(text.split()) for text in short) <= facts.SHORT_WORDS, fact.id


@pytest.mark.parametrize("form", [facts.plain, facts.short, facts.detailed])
def test_every_form_contains_the_answer(form: object) -> None:
    """Whatever the style, the right answer stands in the text, letter for letter."""
    assert callable(form)
    rng = random.Random(0)
    for fact in FACTS:
        for lang in LANGUAGES:
            assert fact.answer[lang].lower() in form(fact, lang, rng).lower(), fact.id


@pytest.mark.parametrize("words", [2, 3, 5, 8])
def test_within_keeps_the_limit(words: int) -> None:
    """A limit on words is kept, save where the bare answer itself is longer ("Ciudad de México")."""
    rng = random.Random(0)
    for fact in FACTS:
        for lang in LANGUAGES:
            length = len(facts.within(fact, lang, words, rng).split())
            assert length <= max(words, len(fact.answer[lang].split())), fact.id


def test_sentence_is_what_the_relation_says() -> None:
    """One example a language, as a reader would expect it."""
    norway = next(fact for fact in FACTS if fact.id == "capital:norway")
    assert _sentences(norway) == [
        "The capital of Norway is Oslo.",
        "Die Hauptstadt von Norwegen ist Oslo.",
        "La capitale de la Norvège est Oslo.",
        "La capital de Noruega es Oslo.",
    ]


def _sentences(fact: Fact) -> list[str]:
    return [facts.sentence(fact, lang) for lang in LANGUAGES]
