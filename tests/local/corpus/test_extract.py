"""Extraction episodes: answers that a reader of the text would give, and no held-out name in them."""

import json
import random
import re
from functools import partial

import pytest

from evalkit.local.corpus.extract.dev_prompts import HEADLINE_PROMPTS
from evalkit.local.corpus.extract.episodes import extract_episode
from evalkit.local.corpus.extract.genders import gender_episode
from evalkit.local.corpus.extract.headlines import headline
from evalkit.local.corpus.names import (
    GENDERS,
    World,
    first_names,
    held_out_cities,
    held_out_last,
    held_out_mascots,
)
from evalkit.local.corpus.wordings import rows
from tests.local.corpus.drawing import drawn

HELD_OUT = re.compile(r"\b(" + "|".join(held_out_last() + held_out_cities() + held_out_mascots()) + r")\b")
# In these fields the answer is concluded from the text, everywhere else it is copied.
CONCLUDED = {"male", "female", "basketball", "soccer", "baseball", "tennis", "hockey"} | {
    "football",
    "swimming",
    "golf",
    "cycling",
}


episodes = partial(drawn, extract_episode)


def test_answers_in_json_are_written_as_json_dumps_writes_them():
    """One spelling of JSON only: a tiny model has no capacity for several."""
    objects = 0
    for episode in episodes(400):
        for turn in episode.turns:
            if turn.answer.startswith("{"):
                objects += 1
                assert json.dumps(json.loads(turn.answer), ensure_ascii=False) == turn.answer
    assert objects > 400


def test_values_are_copied_from_the_text_or_concluded_from_it():
    """No answer holds a value that the model could not have found."""
    for episode in episodes(400):
        for turn in episode.turns:
            if episode.system and turn.answer.startswith('{"'):
                for value in json.loads(turn.answer).values():
                    copied = value is None or value.lower() in turn.user.lower()
                    assert copied or value in CONCLUDED, (turn, value)


def test_held_out_names_never_occur_in_training():
    """The shipped suite's last names, cities and mascots are new to the model."""
    for episode in episodes(1500):
        text = "\n".join((episode.system, *(turn.user + "\n" + turn.answer for turn in episode.turns)))
        assert not HELD_OUT.search(text), HELD_OUT.search(text)


def test_the_shipped_fields_in_their_order_are_never_asked_for():
    """The model must read the prompt rather than recite the one schema that it will be measured on."""
    for episode in episodes(1500):
        for turn in episode.turns:
            if episode.system and turn.answer.startswith('{"player"'):
                assert list(json.loads(turn.answer)) != ["player", "team", "sport", "gender"]


def test_names_are_held_out_from_each_other():
    """A held-out name is not also a trained one, and a last name is not also a first name."""
    rng = random.Random(5)
    world = World()
    trained = {name for _ in range(20_000) for name in (world.last(rng), world.city(rng), world.mascot(rng))}
    assert not trained & {*held_out_last(), *held_out_cities(), *held_out_mascots()}
    assert not {*first_names("male"), *first_names("female")} & {*held_out_last(), *held_out_cities()}
    assert not {*first_names("male")} & {*first_names("female")}


@pytest.mark.parametrize("held_out", [False, True])
def test_a_headlines_facts_follow_its_rules(held_out):
    """Player and team stand in the text; a full name tells the gender, a last name alone does not."""
    rng = random.Random(1)
    genders = {name: gender for gender in ("male", "female") for name in first_names(gender)}
    for _ in range(2000):
        text, facts = headline(rng, World(held_out))
        assert list(facts) == ["player", "team", "sport", "gender"]
        for name in (facts["player"], facts["team"]):
            assert name is None or name in text
        first = (facts["player"] or "").split(" ")[0].title()
        if " " in (facts["player"] or "") and first in genders:
            assert facts["gender"] == genders[first]
        elif facts["gender"]:
            assert re.search(r"\b(wo)?men's\b|\b(his|her|he|she)\b", text, re.IGNORECASE), text


def test_every_fact_is_often_there_and_often_missing():
    """Neither null nor a value is a safe guess."""
    rng = random.Random(2)
    drawn = [headline(rng, World())[1] for _ in range(2000)]
    for field in ("player", "team", "sport", "gender"):
        missing = sum(facts[field] is None for facts in drawn) / len(drawn)
        assert 0.1 < missing < 0.6, (field, missing)


def test_prompts_have_all_lengths():
    """Short prompts and long ones, for a model that has seen only one length knows only that one."""
    lengths = [len(episode.system) for episode in episodes(1000) if episode.system]
    assert sum(length < 200 for length in lengths) > 100
    assert sum(600 < length < 1300 for length in lengths) > 250
    assert max(lengths) <= 1500


def test_without_an_instruction_the_answer_is_talk():
    """The base model does not write JSON by itself: that is what prompting and tuning are compared for."""
    plain = [e for e in episodes(800) if not e.system and not any(":" in t.user for t in e.turns)]
    assert all(not turn.answer.startswith(("{", "[")) for episode in plain for turn in episode.turns)


def test_prompts_for_measuring_share_no_sentence_with_training():
    """Generalisation is measured on wordings that the generator cannot produce."""
    trained = "\n".join(episode.system for episode in episodes(3000))
    for prompt in HEADLINE_PROMPTS:
        sentences = [s.strip() for s in re.split(r"(?<=[.!?:])\s+", prompt.replace("\n", " ")) if len(s) > 25]
        assert not [sentence for sentence in sentences if sentence in trained]


def test_a_first_name_tells_the_gender_and_a_last_name_does_not():
    """Each wording of the task has an answer for men, one for women, and one for a last name alone."""
    rng = random.Random(9)
    men, women = ({name.lower() for name in first_names(gender)} for gender in GENDERS)
    tasks = {tuple(answers.split("; ")) for answers, _ in rows("extract/gender_tasks")}
    for _ in range(300):
        episode = gender_episode(rng)
        if not episode.system or "{" in episode.system:
            continue
        told = {
            answer: {turn.user.split()[0].lower() for turn in episode.turns if turn.answer == answer}
            for answer in {turn.answer for turn in episode.turns}
        }
        male, female, neither = next(task for task in tasks if told.keys() <= set(task))
        assert told.get(male, set()) <= men
        assert told.get(female, set()) <= women
        assert not told.get(neither, set()) & (men | women)


def test_a_name_in_json_has_its_gender_or_null():
    """The record repeats the name and adds the gender that its first name tells."""
    rng = random.Random(10)
    records = [
        (turn.user, json.loads(turn.answer))
        for episode in (gender_episode(rng) for _ in range(200))
        if "{" in episode.system
        for turn in episode.turns
    ]
    assert len(records) > 300
    for name, record in records:
        first = name.split()[0].title()
        known = next((gender for gender in GENDERS if first in first_names(gender)), None)
        assert list(record.values()) == [name, known]
