"""Chat episodes: seeded, obedient to their style, and apart from the development prompts."""

from __future__ import annotations

import random
import re

import pytest

from evalkit.local.corpus.chat import tones
from evalkit.local.corpus.chat.dev_prompts import DEV_PROMPTS
from evalkit.local.corpus.chat.episodes import chat_episode, reply
from evalkit.local.corpus.chat.instructions import Length, Style, system_prompt
from evalkit.local.corpus.chat.translate import translate_episode
from evalkit.local.corpus.facts import LANGUAGES, all_facts, bare, sentence


def _prompts(style: Style, count: int = 60) -> list[str]:
    return [system_prompt(style, (), random.Random(seed)) for seed in range(count)]


def test_no_slot_is_left_open() -> None:
    """Every `{slot}` of every wording was filled, and no gap stands before a full stop."""
    rng = random.Random(1)
    for _ in range(1500):
        episode = chat_episode(rng)
        text = "\n".join([episode.system, *(f"{turn.user}\n{turn.answer}" for turn in episode.turns)])
        assert not re.search(r"\{[\w.]*\}|⏎|\s\.", text.replace(" ...", "")), text


def test_episodes_have_turns_and_a_bounded_length() -> None:
    """Four to nine turns; nothing so long that it could not stand in a row of training data."""
    rng = random.Random(2)
    for _ in range(1000):
        episode = chat_episode(rng)
        assert 4 <= len(episode.turns) <= 9
        assert len(episode.system) < 1700
        assert all(turn.user and turn.answer for turn in episode.turns)


def test_a_third_has_no_system_prompt() -> None:
    """Without a prompt the default style must be learned, too."""
    rng = random.Random(3)
    empty = sum(not chat_episode(rng).system for _ in range(2000))
    assert 0.25 < empty / 2000 < 0.35


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_language_prompt_names_the_language(lang: str) -> None:
    """Every prompt that demands a language says which, whatever else it says."""
    names = {
        "en": ("English", "Englisch", "anglais", "inglés"),
        "de": ("German", "Deutsch", "allemand", "alemán"),
        "fr": ("French", "Französisch", "français", "francés"),
        "es": ("Spanish", "Spanisch", "espagnol", "español"),
    }[lang]
    for prompt in _prompts(Style(language=lang)):
        assert any(name in prompt for name in names), prompt


@pytest.mark.parametrize("style", [Style(language="de"), Style(language="de", length=Length("sentence"))])
def test_a_language_wins_over_the_question(style: Style) -> None:
    """A French question under a German prompt is answered in German."""
    norway = next(fact for fact in all_facts() if fact.id == "capital:norway")
    assert reply(norway, style, "fr", random.Random(0)).startswith("Die Hauptstadt von Norwegen ist Oslo")


@pytest.mark.parametrize("tone", tones.TONES)
def test_a_tone_leaves_the_fact_literally_right(tone: str) -> None:
    """The bare sentence stands untouched in the toned answer, and is not all of it."""
    rng = random.Random(4)
    for fact in all_facts()[::7]:
        for lang in tones.languages(tone):
            answer = tones.toned(fact, tone, lang, rng)
            bare = reply(fact, Style(length=Length("sentence")), lang, rng)
            assert bare.removesuffix(".") in answer
            assert len(answer) > len(bare)


def test_word_limits_hold_with_and_without_tone() -> None:
    """ "At most six words" is kept by neutral and by sarcastic answers."""
    rng = random.Random(5)
    for fact in all_facts():
        for tone in (None, "sarcastic"):
            answer = reply(fact, Style(tone=tone, length=Length("words", 6)), "en", rng)
            assert len(answer.split()) <= 6, answer


@pytest.mark.parametrize("name", DEV_PROMPTS)
def test_development_prompts_are_long(name: str) -> None:
    """They stand for what people write: a hundred words and more."""
    assert all(100 <= len(prompt.split()) <= 230 for prompt in DEV_PROMPTS[name][1])


def test_no_sentence_of_a_development_prompt_is_ever_generated() -> None:
    """The generator was not worded after the prompts that measure it; only facts may be stated in both."""
    rng = random.Random(6)
    texts = [text for _, prompts in DEV_PROMPTS.values() for text in prompts]
    stated = {sentence(fact, lang) for fact in all_facts() for lang in LANGUAGES}
    kept = {part for text in texts for part in _sentences(text)} - stated
    made = {part for _ in range(3000) for part in _sentences(chat_episode(rng).system)}
    assert kept & made == set()


def _sentences(text: str) -> list[str]:
    """Sentences of three words and more, without layout."""
    parts = (part.strip(" -*#\n") for part in re.split(r"(?<=[.!?:])\s+|\n", text))
    return [part for part in parts if len(part.split()) > 2]


def test_prompts_vary() -> None:
    """Sixty prompts with the same demand are sixty different prompts of many lengths."""
    prompts = _prompts(Style(language="de"))
    assert len(set(prompts)) > 57
    lengths = sorted(len(prompt) for prompt in prompts)
    assert lengths[5] < 150
    assert lengths[-10] > 700


def test_shots_stand_in_the_prompt() -> None:
    """Examples given are examples shown."""
    shots = [("Which city?", "Oslo."), ("Which day?", "Monday.")]
    for seed in range(30):
        prompt = system_prompt(Style(tone="sarcastic"), shots, random.Random(seed))
        assert all(asked in prompt and answer in prompt for asked, answer in shots)


def test_a_translation_says_the_same_fact_in_another_language() -> None:
    """What is asked for and what is answered are one fact's words in two languages."""
    rng = random.Random(8)
    forms = (sentence, bare, lambda fact, lang: fact.answer[lang])
    said = {
        (form(fact, source), form(fact, target))
        for fact in all_facts()
        for form in forms
        for source in LANGUAGES
        for target in LANGUAGES
        if source != target
    }
    episodes = [translate_episode(rng) for _ in range(200)]
    under_prompt = [turn for episode in episodes if episode.system for turn in episode.turns]
    assert len(under_prompt) > 500
    assert {(turn.user, turn.answer) for turn in under_prompt} <= said
    asked = [turn for episode in episodes if not episode.system for turn in episode.turns]
    assert all(
        any(turn.answer == target and source in turn.user for source, target in said) for turn in asked[:50]
    )
