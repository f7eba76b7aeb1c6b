"""Tools under many names, and what people say when they want one.

What they are is in wordings/tools: tools.txt and parameters.txt describe them, requests.txt words the wishes.
For the shipped suite a part of the requests is kept out of training, and with the suite's tools a part of the
rooms: training knows those from other devices.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from evalkit.local.chat_template import Tool, ToolCall
from evalkit.local.corpus.extract.notes import value
from evalkit.local.corpus.names import World, invented
from evalkit.local.corpus.wordings import capital, fill, grouped, rows, slots

ROOM = "room"  # a kind of value
PLACE = "place"  # the parameter of this kind
UNSET = "-"  # marks what must stay out of a call, and a tool without a description
SUITE = ("light", "blind", "heating", "music")
_INVENTED_ROOMS = 0.2  # share of rooms that nobody has seen: names must be copied, not recalled
_SPARED_ROOMS = 0.3  # share of the suite's rooms where another device asks
_NUMBERS: Mapping[str, Sequence[int]] = {
    "percent": range(5, 101),
    "degrees": range(5, 31),
    "oven_degrees": range(80, 251, 5),
    "minutes": range(1, 91),
    "few": range(2, 10),
    "count": range(2, 100),
    "price": range(2, 500),
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter as one tool shows it; `choices` are all its values, () where it is not an enum."""

    name: str
    kind: str
    required: bool
    choices: tuple[str, ...] = ()

    @property
    def schema(self) -> dict[str, Any]:
        """Its JSON schema."""
        if self.kind == "boolean":
            return {"type": "boolean"}
        kind = "number" if self.kind == "price" else "integer" if self.kind in _NUMBERS else "string"
        return {"type": kind} | ({"enum": list(self.choices)} if self.choices else {})


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool under the name that it has in one episode.

    Attributes:
        topic: the tool's row in tools.txt.
        noun: what people call the device that it moves, or the thing that it is about.
        parameters: by what requests.txt calls them.
    """

    topic: str
    noun: str
    name: str
    description: str
    parameters: Mapping[str, Parameter]

    @property
    def tool(self) -> Tool:
        """As a chat's template shows it."""
        shown = self.parameters.values()
        schema = {
            "type": "object",
            "properties": {parameter.name: parameter.schema for parameter in shown},
            "required": [parameter.name for parameter in shown if parameter.required],
        }
        return Tool(self.name, self.description, schema)

    def call(self, arguments: Mapping[str, object]) -> ToolCall:
        """The call with these arguments, by what requests.txt calls them."""
        named = {p.name: arguments[key] for key, p in self.parameters.items() if key in arguments}
        return ToolCall(self.name, json.dumps(named, ensure_ascii=False))


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody says who wants `offer`: its arguments, and those that no default may fill in."""

    text: str
    offer: Offer
    arguments: Mapping[str, object]
    unset: frozenset[str] = frozenset()


def topics() -> tuple[str, ...]:
    """All tools, by their rows' names."""
    return tuple(row[0] for row in rows("tools/tools"))


def home_topics() -> tuple[str, ...]:
    """The tools that do something in a room."""
    return tuple(topic for topic in topics() if PLACE in _parameters()[topic])


def rooms(*, held_out: bool = False) -> tuple[str, ...]:
    """Rooms that go with all devices in training, or those of the shipped suite's cases."""
    return rows_of("rooms_held_out") if held_out else words(ROOM)


def rows_of(name: str) -> tuple[str, ...]:
    """The lines of wordings/tools/`name`.txt."""
    return tuple(row[0] for row in rows(f"tools/{name}"))


@cache
def words(kind: str) -> tuple[str, ...]:
    """The words of wordings/tools/words.txt of this kind; () where there are none."""
    return tuple(word for listed in grouped("tools/words").get(kind, ()) for word in listed.split("; "))


def draw(rng: random.Random, topic: str, *, usual: bool = False) -> Offer:
    """The tool under one of its names; `usual` takes the first ones."""
    pick = (lambda choices: choices[0]) if usual else rng.choice
    nouns, names, descriptions = _tools()[topic]
    shown = {key: _drawn(rng, *row, usual=usual) for key, row in _parameters()[topic].items()}
    while len({parameter.name for parameter in shown.values()}) < len(shown):
        shown = {key: _drawn(rng, *row, usual=usual) for key, row in _parameters()[topic].items()}
    description = pick(descriptions)
    return Offer(topic, pick(nouns), pick(names), "" if description == UNSET else description, shown)


def ask(rng: random.Random, offer: Offer, world: World) -> Request:
    """One of the wishes that the tool can meet."""
    name = "tools/requests_held_out" if world.held_out else "tools/requests"
    fixed, line = rng.choice([row[1:] for row in rows(name) if row[0] == offer.topic])
    meant = _meant(offer, fixed)
    said: dict[str, object] = {
        key: room(rng, world, offer.topic) if key == PLACE else some_value(rng, world, offer.parameters[key])
        for key in _said(offer, line)
    }
    nouns = {"noun": offer.noun, "noun.up": capital(offer.noun)}
    text = fill(rng, line, **said, **nouns, **{f"{key}.up": capital(str(v)) for key, v in said.items()})
    given = {key: meaning for key, meaning in meant.items() if meaning != UNSET}
    return Request(capital(text), offer, said | given, frozenset(meant.keys() - given.keys()))


def room(rng: random.Random, world: World, topic: str) -> str:
    """A room's name for a device of this topic; in training now and then one that does not exist."""
    if world.held_out:
        return rng.choice(rooms(held_out=True))
    if rng.random() < _INVENTED_ROOMS:
        return invented(rng).lower()
    return rng.choice(rooms(held_out=topic not in SUITE and rng.random() < _SPARED_ROOMS))


def some_value(rng: random.Random, world: World, parameter: Parameter) -> object:
    """A value that the parameter may have."""
    if parameter.choices:
        return rng.choice(parameter.choices)
    if parameter.kind in _NUMBERS:
        return rng.choice(_NUMBERS[parameter.kind])
    known = words(parameter.kind)
    return rng.choice(known) if known else value(rng, world, parameter.kind)


def _said(offer: Offer, line: str) -> list[str]:
    told = {slot.removesuffix(".up") for slot in slots(line)}
    return [key for key in offer.parameters if key in told]


def _meant(offer: Offer, fixed: str) -> dict[str, object]:
    """`on=true; position=open` as values; a choice in the words of this offer."""
    if fixed == UNSET:
        return {}
    pairs = (part.split("=") for part in fixed.split("; "))
    return {key: _spelled(offer.parameters[key], text) for key, text in pairs}


def _spelled(parameter: Parameter, text: str) -> object:
    if text == UNSET:
        return UNSET
    if parameter.choices:
        return parameter.choices[_choices(parameter.kind)[0].index(text)]
    return json.loads(text)


def _drawn(rng: random.Random, required: bool, kind: str, names: Sequence[str], *, usual: bool) -> Parameter:
    sets = _choices(kind)
    choices = sets[0] if sets and usual else rng.choice(sets) if sets else ()
    if words(kind) and kind != ROOM and not usual and rng.random() < 0.35:
        choices = tuple(rng.sample(words(kind), rng.randint(3, 5)))
    common = usual or rng.random() < 0.4
    return Parameter(names[0] if common else rng.choice(names), kind, required, choices)


def _choices(kind: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split("; ")) for line in grouped("tools/choices").get(kind, ()))


@cache
def _tools() -> dict[str, tuple[tuple[str, ...], ...]]:
    """By topic: nouns, names, descriptions."""
    return {topic: tuple(tuple(cell.split("; ")) for cell in cells) for topic, *cells in rows("tools/tools")}


@cache
def _parameters() -> dict[str, dict[str, tuple[bool, str, tuple[str, ...]]]]:
    """By topic and parameter: required, kind, names."""
    found: dict[str, dict[str, tuple[bool, str, tuple[str, ...]]]] = {topic: {} for topic in topics()}
    for place, kind, names in rows("tools/parameters"):
        topic, _, key = place.partition(".")
        found[topic][key.rstrip("?")] = (not key.endswith("?"), kind, tuple(names.split("; ")))
    return found
