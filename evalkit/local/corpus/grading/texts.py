"""Answers to factual questions in many manners, sarcastic and not.

`python -m evalkit.local.corpus.grading.texts` prints some of each manner.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.local.corpus import facts
from evalkit.local.corpus.facts import Fact
from evalkit.local.corpus.grading.phrases import Split, known_facts, phrases
from evalkit.local.corpus.wordings import fill, pick, rows

SARCASTIC: Mapping[str, int] = {"feigned": 5, "mocking": 5, "bored": 4, "dry": 3, "remark": 3}
EARNEST: Mapping[str, int] = {
    "plain": 5,
    "brief": 3,
    "polite": 4,
    "friendly": 5,
    "teaching": 2,
    "careful": 2,
    "sorry": 1,
    "role": 3,
    "answer": 3,
    "garbled": 1,
}
"""Manner -> how often it is drawn."""

FOREIGN = {"mocking": 0.08, "polite": 0.15, "plain": 0.1, "brief": 0.1}
"""How often a manner is spoken in another language than English."""


@dataclass(frozen=True, slots=True)
class Text:
    """An answer, and the manner in which it was written."""

    question: str
    answer: str
    manner: str


@dataclass(frozen=True, slots=True)
class Setting:
    """What an answer is about; `told` is the fact that it states, which may be the wrong one."""

    fact: Fact
    told: Fact
    lang: str
    question: str
    split: Split


def any_manner(family: Mapping[str, int], rng: random.Random) -> str:
    """One manner of `SARCASTIC` or `EARNEST`."""
    return rng.choices(tuple(family), tuple(family.values()))[0]


def write(manner: str, split: Split, rng: random.Random) -> Text:
    """A random question, answered in `manner` with the wordings of one side of the split."""
    lang = pick(rng, ("de", "fr", "es")) if rng.random() < FOREIGN.get(manner, 0) else "en"
    setting = _setting(lang, split, rng)
    answer = _careless(_answer(manner, setting, rng), rng)
    return Text(setting.question, answer, manner)


def worded(wording: str, fact: Fact, question: str, rng: random.Random, told: Fact | None = None) -> str:
    """A wording with its choices made and its slots filled, in English."""
    told = told or fact
    topic, source, expert = _TOPICS[fact.relation]
    sentence, answer = facts.sentence(told, "en"), told.answer["en"]
    text = fill(
        rng,
        wording,
        fact=sentence,
        clause=sentence if told.relation == "continent" else sentence[0].lower() + sentence[1:],
        bare=facts.bare(told, "en"),
        answer=answer,
        question=question,
        topic=topic,
        source=source,
        expert=expert,
    )
    return text[0].upper() + text[1:]


def _setting(lang: str, split: Split, rng: random.Random) -> Setting:
    fact = pick(rng, known_facts(split))
    told = fact
    if rng.random() < 0.06:  # the judge is to look at the tone alone
        told = pick(rng, tuple(other for other in known_facts(split) if other.relation == fact.relation))
    asked_in = lang if rng.random() < 0.8 else "en"
    return Setting(fact, told, lang, facts.question(fact, asked_in, rng), split)


def _answer(manner: str, setting: Setting, rng: random.Random) -> str:
    match manner:
        case "brief":
            return _brief(setting, rng)
        case "plain" if setting.lang != "en" or rng.random() < 0.7:
            return _plain(setting, rng)
        case "garbled":
            return _garbled(setting, rng)
        case "remark" | "answer":
            return _phrase(manner, "whole", setting, rng)
        case _:
            return _toned(manner, setting, rng)


def _brief(setting: Setting, rng: random.Random) -> str:
    bare = facts.bare(setting.told, setting.lang)
    return pick(rng, (bare, bare.rstrip("."), facts.short(setting.told, setting.lang, rng)))


def _plain(setting: Setting, rng: random.Random) -> str:
    if setting.split == "held_out" or rng.random() < 0.5:  # what facts adds to a sentence knows no split
        return facts.sentence(setting.told, setting.lang)
    return pick(rng, (facts.plain, facts.detailed))(setting.told, setting.lang, rng)


def _garbled(setting: Setting, rng: random.Random) -> str:
    words = _toned("plain", setting, rng).split()
    if rng.random() < 0.5:
        return " ".join(rng.sample(words, len(words)))
    at = rng.randrange(len(words))
    return " ".join([*words[:at], *(words[at : at + rng.randint(1, 3)] * rng.randint(3, 12))])


def _toned(manner: str, setting: Setting, rng: random.Random) -> str:
    """Words in the manner on one side of the fact, and more often than not a companion's on the other."""
    said, place, across = _core(setting, rng), *rng.sample(("open", "close"), 2)
    around = {place: _phrase(manner, place, setting, rng), across: ""}
    if rng.random() < 0.6:
        around[across] = _phrase(_companion(manner, rng), across, setting, rng)
    elif place == "close" and rng.random() < 0.1:
        said = ""  # nothing but the tone
    return " ".join(filter(None, (around["open"], said, around["close"])))


def _core(setting: Setting, rng: random.Random) -> str:
    if rng.random() < 0.7:
        return facts.sentence(setting.told, setting.lang)
    return _brief(setting, rng) if rng.random() < 0.7 else _plain(setting, rng)


def _companion(manner: str, rng: random.Random) -> str:
    """A manner that goes with it. A courtesy beside mockery is mockery: neither end alone may decide."""
    drawn = rng.random()
    if drawn < 0.4:
        return manner
    if manner not in SARCASTIC:
        return pick(rng, ("plain", "polite", "teaching") if manner == "polite" else ("plain", "teaching"))
    return pick(rng, ("feigned", "mocking", "bored", "dry") if drawn < 0.85 else ("polite", "friendly"))


def _phrase(manner: str, place: str, setting: Setting, rng: random.Random) -> str:
    file = "sarcastic" if manner in SARCASTIC else "earnest"
    part = f"{manner if setting.lang == 'en' else setting.lang}.{place}"
    wording = _exclaimed(pick(rng, phrases(file, part, setting.split)), manner, rng)
    return worded(wording, setting.fact, setting.question, rng, setting.told)


def _exclaimed(wording: str, manner: str, rng: random.Random) -> str:
    """With other marks now and then: an exclamation mark alone tells neither joy nor mockery."""
    if manner == "friendly" and rng.random() < 0.3:
        return wording.replace("!", ".")
    if manner in ("feigned", "mocking") and rng.random() < 0.25:
        return wording.replace(".", "!")
    return wording


def _careless(answer: str, rng: random.Random) -> str:
    """Now and then in lower case, without the last full stop, or cut off."""
    drawn = rng.random()
    if drawn < 0.05:
        return answer.lower()
    if drawn < 0.09:
        return answer.rstrip(".")
    if drawn < 0.12 and len(answer) > 40:
        return answer[: -rng.randint(1, 10)]
    return answer


_TOPICS = {relation: (topic, source, expert) for relation, topic, source, expert in rows("grading/topics")}


if __name__ == "__main__":
    chance = random.Random(0)
    for name in (*SARCASTIC, *EARNEST):
        for _ in range(3):
            text = write(name, "train", chance)
            print(name, text.question, text.answer, sep=" | ")
