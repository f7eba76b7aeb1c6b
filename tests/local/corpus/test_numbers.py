"""Episodes over a numbered list: an answer is the number under which that stands which was asked for."""

from __future__ import annotations

import re
from functools import partial

from evalkit.local.corpus.episode import Episode
from evalkit.local.corpus.passages.numbers import number_episode
from tests.local.corpus.drawing import drawn

episodes = partial(drawn, number_episode)
_ENTRY = re.compile(r"(?:Passage |Entry )?\W?(\d)[\]).:]? (.*)")


def entries(episode: Episode) -> dict[str, str]:
    """What stands under each number."""
    found = [_ENTRY.fullmatch(line) for line in episode.shared.strip().splitlines()]
    return {match[1]: match[2] for match in found if match}


def test_the_number_is_that_of_the_entry_which_says_it() -> None:
    """Where the question quotes an entry."""
    quoted = 0
    for episode in episodes(200):
        listed = entries(episode)
        assert len(listed) >= 1
        for turn in episode.turns:
            number = re.search(r"\d", turn.answer)
            if turn.answer in listed.values() or not number:
                continue
            said = [key for key, entry in listed.items() if entry in turn.user]
            if said:
                quoted += 1
                assert (
                    max(said, key=lambda key: len(listed[key])) == number[0]
                )  # "lamp" stands in "blue lamp"
    assert quoted > 300


def test_what_stands_under_a_number_is_repeated_whole() -> None:
    """A fifth of the questions go the other way."""
    turns = [(entries(episode), turn) for episode in episodes(200) for turn in episode.turns]
    repeated = [turn for listed, turn in turns if turn.answer in listed.values()]
    assert 0.1 < len(repeated) / len(turns) < 0.3
    for listed, turn in turns:
        if turn.answer in listed.values():
            asked = re.search(r"\d", turn.user.removeprefix("\n"))
            assert asked
            assert listed[asked[0]] == turn.answer


def test_the_instruction_shows_what_an_answer_looks_like() -> None:
    """The same signs around the number."""
    for episode in episodes(200):
        listed = entries(episode)
        forms = {re.sub(r"\d", "1", t.answer) for t in episode.turns if t.answer not in listed.values()}
        assert len(forms) <= 1
        assert all(form in episode.system for form in forms)
