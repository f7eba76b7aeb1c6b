"""Passage episodes: the fact and the number of the passage that tells it, or that none does."""

from __future__ import annotations

import random
import re
from functools import partial
from pathlib import Path

import evalkit.local
from evalkit.local.corpus.names import World
from evalkit.local.corpus.passages.entries import entries, patterns, tell
from evalkit.local.corpus.passages.episodes import passage_episode
from evalkit.local.corpus.passages.manner import Manner, draw_manner, instruction
from evalkit.local.corpus.passages.retrieval import draw_passages, numbered, untold
from evalkit.local.corpus.wordings import fill, slots
from evalkit.local.tokenizer import load_encoding
from tests.local.corpus.drawing import drawn

episodes = partial(drawn, passage_episode)


def kinds(*lines: str) -> set[str]:
    """What the lines need, a thing's two forms being one: {thing.one} and {thing.many} -> "thing"."""
    return {slot.partition(".")[0] for line in lines for slot in slots(line)}


def test_the_answer_stands_in_the_passage_that_it_names() -> None:
    """Letter for letter in all wordings of all entries, but for the capital that begins a sentence."""
    rng = random.Random(0)
    for entry in (*entries(), *patterns(), *entries(held_out=True)):
        for _ in range(4):
            fact = tell(rng, entry, World())
            shown = numbered([[tell(rng, entries()[0], World())], [fact]], "[{}]").splitlines()[1]
            values = [str(fact.values[slot]) for slot in slots(entry.answer)]
            assert values
            assert all(value[1:] in shown for value in values)
            assert Manner(short=True, cite="[{}]").answer(fact, 2) == f"{fact.answer} [2]"


def test_every_wording_of_an_entry_holds_what_its_question_needs() -> None:
    """A question's slots stand in each of the sentences, so that it always has an answer there."""
    for entry in (*entries(), *patterns(), *entries(held_out=True)):
        wanted = kinds(entry.answer, *entry.asks)
        assert all(wanted <= kinds(says) for says in entry.says), entry


def test_a_question_that_no_passage_answers_is_about_another_entry_or_another_thing() -> None:
    """Its wording is none of those that ask for a fact of the passages."""
    rng = random.Random(2)
    for known in (entries(), patterns()) * 200:
        passages = draw_passages(rng, known, World(), 3)
        asked = untold(rng, passages, known, World())
        facts = [fact for passage in passages for fact in passage]
        for seed in range(6):
            told = {fact.question(random.Random(seed)) for fact in facts}
            assert asked not in told


def test_an_instruction_tells_all_that_shows_in_an_answer() -> None:
    """The sentence for what is not told, and what a citation looks like."""
    rng = random.Random(3)
    for _ in range(200):
        manner = draw_manner(rng, "source")
        text = instruction(rng, manner, "source")
        assert (manner.missing or "") in text
        if manner.cite:
            pattern = re.escape(manner.cite).replace(re.escape("{}"), r"\d")
            assert re.search(pattern, text)


def test_without_an_instruction_the_passages_own_sentence_is_the_answer() -> None:
    """Or one of the model's own words for not knowing."""
    plain = [e for e in episodes(300) if not e.system and e.shared.count("\n\n") == 1]
    told = [turn.answer for e in plain for turn in e.turns if turn.answer in e.shared]
    every = [turn.answer for e in plain for turn in e.turns]
    assert 0.4 < len(told) / len(every) < 0.9


def test_what_turns_share_ends_where_a_token_ends() -> None:
    """Laid out in two pieces, a question has the tokens that it has as one message."""
    encode = load_encoding(Path(evalkit.local.__file__).parent / "weights").encode_ordinary
    for episode in [episode for episode in episodes(200) if episode.shared]:
        for turn in episode.turns:
            whole = encode(f"user\n{episode.shared}{turn.user}")
            assert whole == encode("user\n") + encode(episode.shared) + encode(turn.user)


def test_the_suites_handbook_is_not_trained() -> None:
    """The longest part between values of a held-out sentence or question stands in no episode of 800."""
    drawn_episodes = episodes(800, seed=4)
    text = "\n".join(f"{e.system} {e.shared} {turn.user}" for e in drawn_episodes for turn in e.turns)
    lines = [line for entry in entries(held_out=True) for line in (*entry.says, *entry.asks)]
    told = [max(re.split(r"\{\w+\}", line), key=len) for line in lines]
    assert len(told) > 100
    assert [part for part in told if part in text] == []
    topics = {entry.topic for entry in (*entries(), *patterns())}
    assert not topics & {entry.topic for entry in entries(held_out=True)}


def test_alike_facts_stand_side_by_side() -> None:
    """Two offices, two forms: the question's own words tell which one is meant."""
    rng = random.Random(6)
    twins = 0
    for _ in range(300):
        facts = [fact for passage in draw_passages(rng, entries(), World(), 4) for fact in passage]
        kinds = [fact.entry for fact in facts]
        twins += len(kinds) > len(set(kinds))
        assert all(kinds.count(kind) == 1 or kind.keys for kind in kinds)
    assert twins > 10
    keyed = next(entry for entry in entries() if entry.keys)
    assert "{" not in fill(rng, tell(rng, keyed, World()).sentence)


def test_facts_about_drawn_things_are_often_alike() -> None:
    """Of one thing in two passages, or of two things in the same words: a question's words tell which."""
    rng = random.Random(7)
    same_thing = same_words = 0
    for _ in range(200):
        passages = draw_passages(rng, patterns(), World(), 3)
        things = [{fact.values.get("thing.one") for fact in passage} - {None} for passage in passages]
        said = [{fact.entry for fact in passage} for passage in passages]
        same_thing += any(things[i] & things[j] for i in range(3) for j in range(i))
        same_words += any(said[i] & said[j] for i in range(3) for j in range(i))
    assert same_thing > 20
    assert same_words > 40
