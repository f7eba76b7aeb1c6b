"""Episodes of translation: what a fact says in one language, said in another.

A model asked in one language and answering in another has to know which words mean the same.
"""

from __future__ import annotations

import random

from evalkit.local.corpus import facts
from evalkit.local.corpus.chat.instructions import LANGUAGE_NAMES
from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.facts import LANGUAGES, Fact, all_facts
from evalkit.local.corpus.wordings import fill, grouped, pick


def translate_episode(rng: random.Random) -> Episode:
    """Eight to twelve texts, to be translated as one system prompt says or as each message asks."""
    turns = range(rng.randint(8, 12))
    if rng.random() < 0.4:
        return Episode("", tuple(_asked(rng) for _ in turns))
    target = pick(rng, LANGUAGES)
    return Episode(_worded("tasks", target, rng), tuple(Turn(*_pair(target, rng)) for _ in turns))


def _asked(rng: random.Random) -> Turn:
    target = pick(rng, LANGUAGES)
    text, translated = _pair(target, rng)
    return Turn(_worded("asks", target, rng, text=text), translated)


def _worded(name: str, target: str, rng: random.Random, **slots: str) -> str:
    written_in = "en" if rng.random() < 0.6 else pick(rng, LANGUAGES)
    wording = pick(rng, grouped(f"chat/translate_{name}")[written_in])
    return fill(rng, wording, lang=LANGUAGE_NAMES[written_in][target], **slots)


def _pair(target: str, rng: random.Random) -> tuple[str, str]:
    """The same in two languages, of which `target` is the second."""
    fact = pick(rng, all_facts())
    source = pick(rng, tuple(lang for lang in LANGUAGES if lang != target))
    said = pick(rng, (facts.sentence, facts.sentence, facts.bare, _answer))
    return said(fact, source), said(fact, target)


def _answer(fact: Fact, lang: str) -> str:
    return fact.answer[lang]
