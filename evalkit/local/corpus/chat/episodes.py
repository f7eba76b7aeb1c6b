"""Chat episodes: facts asked for in four languages, under all kinds of system prompts or none."""

from __future__ import annotations

import random

from evalkit.local.corpus import facts
from evalkit.local.corpus.chat import tones
from evalkit.local.corpus.chat.instructions import Length, Style, demand, system_prompt
from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.facts import LANGUAGES, Fact, all_facts
from evalkit.local.corpus.wordings import fill, parts, pick


def chat_episode(rng: random.Random) -> Episode:
    """Four to nine questions under one system prompt, or without one."""
    if rng.random() < 0.3:
        return Episode("", tuple(_free_turn(rng) for _ in range(rng.randint(6, 9))))
    style = _style(rng)
    prompt = _prompt(style, rng)
    turns = rng.randint(5, 9) - len(prompt) // 300  # an episode must fit into one row of the training data
    return Episode(prompt, tuple(_turn(style, rng) for _ in range(max(4, turns))))


def reply(fact: Fact, style: Style, asked_in: str, rng: random.Random) -> str:
    """The answer that obeys `style` to a question asked in the language `asked_in`."""
    lang = style.language if style.language in LANGUAGES else asked_in
    if style.tone:
        return _toned(fact, style.tone, style.length, lang, rng)
    if style.length is None:
        return facts.plain(fact, lang, rng)
    match style.length.kind:
        case "words":
            return facts.within(fact, lang, style.length.words, rng)
        case "word":
            return facts.bare(fact, lang).removesuffix(pick(rng, ("", ".")))
        case "brief":
            return facts.short(fact, lang, rng)
        case "sentence":
            return facts.sentence(fact, lang)
        case "detailed":
            return facts.detailed(fact, lang, rng)


def _toned(fact: Fact, tone: str, length: Length | None, lang: str, rng: random.Random) -> str:
    if length is None or length.kind not in ("words", "word", "brief"):
        return tones.toned(fact, tone, lang, rng)
    answer = tones.toned_short(fact, tone, lang, rng)
    too_long = length.kind == "words" and len(answer.split()) > length.words
    return facts.bare(fact, lang) if too_long else answer


def _style(rng: random.Random) -> Style:
    """What the prompt demands; about one prompt in six demands nothing."""
    drawn = rng.random()
    if drawn < 0.12:
        return Style()
    if drawn < 0.46:
        return Style(language=_language(rng))
    if drawn < 0.61:
        return Style(tone=_tone(rng))
    if drawn < 0.78:
        return Style(length=_length(rng))
    if drawn < 0.88:
        return Style(language=_language(rng), length=_length(rng))
    if drawn < 0.94:
        tone = _tone(rng)
        return Style(language=pick(rng, (*tones.languages(tone), "own")), tone=tone)
    return Style(tone=_tone(rng), length=_length(rng))


def _language(rng: random.Random) -> str:
    return pick(rng, (*LANGUAGES, *LANGUAGES, "own"))


def _tone(rng: random.Random) -> str:
    return pick(rng, (*tones.TONES, *("sarcastic",) * 5))


def _length(rng: random.Random) -> Length:
    kind = rng.random()
    if kind < 0.6:
        return Length("words", rng.randint(2, 12))
    if kind < 0.7:
        return Length("word")
    if kind < 0.8:
        return Length("brief")
    return Length("sentence" if kind < 0.93 else "detailed")


def _prompt(style: Style, rng: random.Random) -> str:
    """The system prompt; a third of those with demands show examples."""
    shots = rng.randint(1, 4) if style != Style() and rng.random() < 0.33 else 0
    turns = [_turn(style, rng) for _ in range(shots)]
    return system_prompt(style, [(turn.user, turn.answer) for turn in turns], rng)


def _turn(style: Style, rng: random.Random) -> Turn:
    """A random fact asked for in a language that the style can serve."""
    bound = style.language in LANGUAGES or not style.tone  # else the tone must know the user's language
    spoken = LANGUAGES if bound else tones.languages(style.tone or "")
    lang = "en" if style.tone and rng.random() < 0.5 else pick(rng, spoken)
    fact = pick(rng, all_facts())
    return Turn(_asked(fact, lang, rng), reply(fact, style, lang, rng))


def _asked(fact: Fact, lang: str, rng: random.Random) -> str:
    """The question, now and then typed carelessly or with a courtesy around it."""
    asked = facts.question(fact, lang, rng)
    manner = rng.random()
    if manner < 0.06:
        return asked.lower()
    if manner < 0.10:
        return asked.rstrip("?. ")
    if manner < 0.2:
        return fill(rng, pick(rng, _talk()[f"courtesy.{lang}"]), asked=asked)
    return asked


def _free_turn(rng: random.Random) -> Turn:
    """Without a system prompt: mostly facts in the default style, some demands, small talk."""
    drawn = rng.random()
    if drawn < 0.82:
        return _turn(Style(), rng)
    if drawn < 0.90:
        style = _style(rng)
        turn = _turn(style, rng)
        return Turn(f"{demand(style, rng)} {turn.user}".strip(), turn.answer)
    said, answer = pick(rng, _talk()[f"talk.{pick(rng, LANGUAGES)}"]).split(" | ")
    return Turn(said, answer)


def _talk() -> dict[str, tuple[str, ...]]:
    return parts("chat/small_talk")
