"""Tool episodes: calls that fit the tools on offer and the rules of the house, and refusals in its words."""

from __future__ import annotations

import json
import random
import re
from functools import partial
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

import evalkit.local
from evalkit.local.chat_template import ChatTemplate, Message
from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.names import World
from evalkit.local.corpus.tools.catalogue import SUITE, Offer, Request, ask, draw, home_topics, rooms, topics
from evalkit.local.corpus.tools.episodes import tool_episode, toolbox
from evalkit.local.corpus.tools.house import Forbidden, House, Shape, draw_house, told
from evalkit.local.corpus.wordings import rows
from evalkit.local.tokenizer import load_encoding
from tests.local.corpus.drawing import drawn

episodes = partial(drawn, tool_episode)


def calls(episode: Episode) -> list[tuple[Turn, dict[str, object]]]:
    """The turns of an episode that are answered by a call, and what is called."""
    found = [(turn, re.fullmatch(r"<tool_call>(.*)</tool_call>", turn.answer)) for turn in episode.turns]
    return [(turn, json.loads(match[1])) for turn, match in found if match]


def request(topic: str, text: str, **arguments: object) -> Request:
    """A request for a tool under its usual names."""
    return Request(text, draw(random.Random(0), topic, usual=True), arguments)


def written(house: House, wanted: Request) -> dict[str, object]:
    """The arguments of the call that the house makes of it."""
    return dict(json.loads(house.call(wanted).arguments))


def test_the_tools_stand_as_the_chat_template_shows_them() -> None:
    """What is learned is what a request with tools looks like."""
    template = ChatTemplate(load_encoding(Path(evalkit.local.__file__).parent / "weights"))
    for seed in range(30):
        rng = random.Random(seed)
        offers = [draw(rng, topic) for topic in rng.sample(topics(), 3)]
        laid = template.prompt([Message("system", "Help.")], [offer.tool for offer in offers])
        shown = template.encoding.decode(list(laid.ids))
        assert f"<|im_start|>system\nHelp.\n\n{toolbox(offers)}<|im_end|>" in shown


@pytest.mark.parametrize("topic", topics())
def test_every_wish_becomes_a_call_that_the_tool_accepts(topic: str) -> None:
    """Under all names that the tool may have, with whatever values."""
    rng = random.Random(topic)
    for _ in range(60):
        offer = draw(rng, topic)
        call = House().call(ask(rng, offer, World()))
        assert call.name == offer.name
        Draft202012Validator(dict(offer.tool.parameters)).validate(json.loads(call.arguments))


def test_without_rules_texts_are_copied_as_they_were_said() -> None:
    """Only choices and switches are worked out; an enum's value may stand for what was said."""
    for episode in [episode for episode in episodes(400) if episode.system.startswith("Tools:")]:
        for turn, call in calls(episode):
            arguments = call["arguments"]
            assert isinstance(arguments, dict)
            texts = [value for value in arguments.values() if isinstance(value, str)]
            copied = [text for text in texts if f'"{text}"' not in episode.system]
            assert all(text.lower() in turn.user.lower() for text in copied)


def test_a_call_names_a_tool_that_is_there_with_parameters_that_it_has() -> None:
    """In every episode, whatever its rules."""
    for episode in episodes(300):
        for _, call in calls(episode):
            shown = re.search(rf"^{call['name']}\((.*?)\)", episode.system, re.MULTILINE)
            assert shown
            assert isinstance(call["arguments"], dict)
            assert all(f"{name}:" in shown[1].replace("?", "") for name in call["arguments"])


def test_a_house_names_devices_in_its_own_way() -> None:
    """The kind and the room, with a sign between them; rooms of two words are joined."""
    wish = request("light", "Light in the guest room.", place="guest room", on=True)
    assert written(House(Shape("noun_first", ".")), wish) == {"room": "light.guest_room", "on": True}
    assert written(House(Shape("place_first", "/")), wish) == {"room": "guest_room/light", "on": True}
    assert written(House(Shape("plain", plain=str.upper)), wish) == {"room": "GUEST_ROOM", "on": True}


def test_a_default_fills_in_what_was_not_said() -> None:
    """Neither what was said nor what must stay out."""
    house = House(defaults={("light", "brightness"): 60})
    wish = request("light", "Light.", place="hall", on=True)
    off = Request("No light.", wish.offer, {"place": "hall", "on": False}, frozenset({"brightness"}))
    said = Request("Dim it.", wish.offer, {"place": "hall", "on": True, "brightness": 5})
    assert written(house, wish)["brightness"] == 60
    assert "brightness" not in written(house, off)
    assert written(house, said)["brightness"] == 5


def test_another_name_of_a_room_stands_for_it() -> None:
    """The call has the room's own name."""
    wish = request("heating", "Heat the snug.", place="snug", degrees=20)
    assert written(House(aliases={"snug": "hall"}), wish)["room"] == "hall"


def test_the_rules_of_a_house_are_told() -> None:
    """Whatever changes an answer can be read above it."""
    rng = random.Random(1)
    for _ in range(200):
        offers: list[Offer] = [draw(rng, topic) for topic in rng.sample(home_topics(), 3)]
        house = draw_house(rng, offers)
        text = told(rng, house, offers)
        sentences = [rule.sentence for rule in house.forbidden] + [house.refusal or ""]
        assert all(said in text for said in sentences)
        assert all(str(value) in text for value in house.defaults.values())
        assert all(place in text for place in house.aliases.values())


def test_what_is_forbidden_is_refused_in_the_words_of_the_rule() -> None:
    """The prompt's sentences come back letter for letter."""
    quoted = [e for e in episodes(400) if any(t.answer in e.system.split("Tools:")[0] for t in e.turns)]
    assert len(quoted) > 80
    assert Forbidden("doors", "No.") in House(forbidden=(Forbidden("doors", "No."),)).forbidden


def test_some_messages_are_answered_by_a_sentence_about_what_a_tool_returned() -> None:
    """The call and its result stand before it; the answer is no call."""
    reported = [turn for episode in episodes(300) for turn in episode.turns if turn.steps]
    assert len(reported) > 50
    for turn in reported:
        assert [role for role, _ in turn.steps] == ["assistant", "tool"]
        assert turn.steps[0][1].startswith("<tool_call>")
        assert not turn.answer.startswith("<tool_call>")


def test_the_suites_wishes_are_not_trained() -> None:
    """No held-out sentence without slots stands in 600 episodes, and no wish is worded in both files."""
    text = "\n".join(turn.user for e in episodes(600, seed=5) for turn in e.turns).lower()
    asked = [row[-1] for name in ("off_topic", "forbidden") for row in rows(f"tools/{name}_held_out")]
    assert len(asked) > 20
    assert [line for line in asked if line.lower() in text] == []
    held_out, trained = ({row[2] for row in rows(f"tools/requests{end}")} for end in ("_held_out", ""))
    assert not held_out & trained


@pytest.mark.parametrize("topic", home_topics())
def test_the_suites_rooms_are_known_from_other_devices_alone(topic: str) -> None:
    """A light in the pantry is never asked for in training; a fan in the pantry is."""
    rng = random.Random(topic)
    offer = draw(rng, topic)
    asked = {ask(rng, offer, World()).arguments["place"] for _ in range(300)}
    assert bool(asked & set(rooms(held_out=True))) == (topic not in SUITE)
    assert not set(rooms()) & set(rooms(held_out=True))
