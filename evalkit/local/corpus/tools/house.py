"""The rules of a house: how devices are named, what is meant when nothing is said, what is never done."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from evalkit.local.chat_template import ToolCall
from evalkit.local.corpus.layout import Section, lay_out
from evalkit.local.corpus.names import World
from evalkit.local.corpus.speaker import Speaker
from evalkit.local.corpus.things import odd_sentence
from evalkit.local.corpus.tools.catalogue import (
    PLACE,
    ROOM,
    Offer,
    Request,
    room,
    rooms,
    rows_of,
    some_value,
    words,
)
from evalkit.local.corpus.wordings import capital, fill, grouped, rows, say

Order = Literal["noun_first", "place_first", "plain"]

_SIGNS = {".": "a dot", "/": "a slash", "-": "a hyphen", "_": "an underscore", ":": "a colon"}
_PLAIN: Sequence[Callable[[str], str]] = (
    str.upper,
    str.capitalize,
    lambda place: f"#{place}",
    lambda place: f"@{place}",
    lambda place: f"room_{place}",
    lambda place: f"{place}_1",
)
# Chances of each sentence on role, task and background, in a short, a middling and a long text.
_SIZES = (((0.3,), (0.3,), ()), ((0.7,), (0.6, 0.2), (0.3,)), ((0.9,), (0.9, 0.5, 0.2), (0.7, 0.5, 0.3)))
_KINDS_WITH_DEFAULT = ("percent", "minutes", "count", "weekday", "time", "genre", "unit", "vehicle", "novel")


@dataclass(frozen=True, slots=True)
class Shape:
    """How a device or a room is written in a call: light.guest_room, GUEST_ROOM."""

    order: Order
    sign: str = ""
    plain: Callable[[str], str] = str

    def write(self, noun: str, place: str) -> str:
        """The name of the `noun` in this room."""
        joined = place.replace(" ", "_")
        match self.order:
            case "noun_first":
                return f"{noun}{self.sign}{joined}"
            case "place_first":
                return f"{joined}{self.sign}{noun}"
            case "plain":
                return self.plain(joined)


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Something that is refused, whatever tools there are."""

    topic: str
    sentence: str


@dataclass(frozen=True, slots=True)
class House:
    """The rules of one episode; without any, a call holds what was said as it was said.

    defaults: (tool's topic, parameter) -> value. aliases: a room's other name -> its real one.
    """

    shape: Shape | None = None
    defaults: Mapping[tuple[str, str], object] = field(default_factory=dict)
    refusal: str | None = None
    forbidden: tuple[Forbidden, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)

    def call(self, request: Request) -> ToolCall:
        """The call that meets the request under these rules."""
        offer = request.offer
        filled = {key: value for (topic, key), value in self.defaults.items() if topic == offer.topic}
        unsaid = {key: value for key, value in filled.items() if key not in request.unset}
        meant = {**unsaid, **request.arguments}
        return offer.call({key: self._written(offer, key, value) for key, value in meant.items()})

    def _written(self, offer: Offer, key: str, value: object) -> object:
        if key != PLACE or not isinstance(value, str):
            return value
        place = self.aliases.get(value, value)
        return self.shape.write(offer.noun, place) if self.shape else place


def draw_house(rng: random.Random, offers: Sequence[Offer]) -> House:
    """Some rules that make sense for these tools; there is at least one."""
    house = House()
    while house == House():
        house = House(
            shape=_shape(rng) if _placed(offers) and rng.random() < 0.7 else None,
            defaults=_defaults(rng, offers),
            refusal=sentence(rng) if rng.random() < 0.65 else None,
            forbidden=_forbidden(rng),
            aliases=_aliases(rng) if _placed(offers) and rng.random() < 0.15 else {},
        )
    return house


def sentence(rng: random.Random) -> str:
    """Something to say instead of a call."""
    if rng.random() < 0.5:
        return odd_sentence(rng)
    scope = rng.choice(rows_of("scopes"))
    job = rng.choice(("doctor", "owner", "landlord", "janitor", "boss", "office"))
    slots = {"scope": scope, "scope.up": capital(scope), "job": job, "first": World().first(rng)[0]}
    said = capital(say(rng, "tools/refusal_sentences", **slots))
    return said + (rng.choice((".", ".", ".", "!")) if " " in said else "")


def told(rng: random.Random, house: House, offers: Sequence[Offer]) -> str:
    """A system text with these rules in words, long or short."""
    speaker = _speaker(rng)
    rules = [*_names(speaker, house, offers), *_usual(speaker, house, offers), *_refusals(speaker, house)]
    if rng.random() < 0.4:
        rng.shuffle(rules)
    role, task, background = rng.choices(_SIZES, (25, 35, 40))[0]
    sections = [
        Section("role", speaker.some("role", role)),
        Section("task", speaker.some("task", task)),
        Section("rules", tuple(rules)),
        Section("background", speaker.some("background", background)),
    ]
    return lay_out(rng, sections)


def ruleless(rng: random.Random) -> str:
    """A system text that changes nothing."""
    speaker = _speaker(rng)
    return " ".join([speaker.say("role"), *speaker.some("task", (0.5,))])


def _speaker(rng: random.Random) -> Speaker:
    slots = {
        "scope": rng.choice(rows_of("scopes")),
        "person": rng.choice(("user", "person", "guest", "customer")),
        "first": World().first(rng)[0],
        "city": World().city(rng),
        "year": rng.randint(1890, 2024),
    }
    return Speaker(rng, "tools/house", slots)


def _names(speaker: Speaker, house: House, offers: Sequence[Offer]) -> list[str]:
    """How devices and rooms are called, with an example for every tool that has one."""
    rng, shape = speaker.rng, house.shape
    said = [
        speaker.say("alias", alias=alias, place=place, **{"alias.up": capital(alias)})
        for alias, place in house.aliases.items()
    ]
    if not shape:
        return said
    placed = _placed(offers)
    examples = dict.fromkeys(shape.write(offer.noun, room(rng, World(), offer.topic)) for offer in placed)
    quoted = ", ".join(rng.choice(("{}", "{}", '"{}"', "`{}`")).format(example) for example in examples)
    slots = {"examples": quoted, "sep": shape.sign, "a_sign": _SIGNS[shape.sign]}
    said.append(speaker.say(f"shape.{shape.order}", **slots))
    if rng.random() < 0.6:
        place = rng.choice([place for place in words(ROOM) if " " in place])
        spaced = shape.write(rng.choice(placed).noun, place)
        said.append(speaker.say("space", spaced=spaced, spaced_place=place))
    return said


def _usual(speaker: Speaker, house: House, offers: Sequence[Offer]) -> list[str]:
    """What is meant where nothing is said."""
    names = {
        (offer.topic, key): parameter.name.replace("_", " ")
        for offer in offers
        for key, parameter in offer.parameters.items()
    }
    return [
        speaker.say("default", param=names[place], value=value, **{"param.up": capital(names[place])})
        for place, value in house.defaults.items()
    ]


def _refusals(speaker: Speaker, house: House) -> list[str]:
    """What is never done, and what is said instead."""
    rng, said = speaker.rng, []
    for rule in house.forbidden:
        deed, thing = rng.choice(grouped("tools/forbidden_rules")[rule.topic]).split("; ")
        slots = {"deed": fill(rng, deed), "thing": thing, "thing.up": capital(thing)}
        part = rng.choice(("forbidden", "forbidden", "forbidden.thing"))
        said.append(speaker.say(part, **slots, **_quoted(rng, rule.sentence)))
    if house.refusal:
        said.append(speaker.say("refusal", **_quoted(rng, house.refusal)))
    return said


def _quoted(rng: random.Random, text: str) -> dict[str, str]:
    """The sentence in quotes, or bare after a colon."""
    if rng.random() < 0.15:
        return {"colon": ":", "sentence": text}
    quote = rng.choice(('"{}"', '"{}"', '"{}"', "'{}'", "“{}”"))
    return {"colon": rng.choice((":", "", "")), "sentence": quote.format(text)}


def _placed(offers: Sequence[Offer]) -> list[Offer]:
    return [offer for offer in offers if PLACE in offer.parameters]


def _shape(rng: random.Random) -> Shape:
    order: Order = rng.choices(("noun_first", "place_first", "plain"), (55, 30, 15))[0]
    return Shape(order, rng.choice((*_SIGNS, ".", ".")), rng.choice(_PLAIN))


def _defaults(rng: random.Random, offers: Sequence[Offer]) -> dict[tuple[str, str], object]:
    """Values for some optional parameters whose name no other tool has."""
    every = [parameter.name for offer in offers for parameter in offer.parameters.values()]
    return {
        (offer.topic, key): some_value(rng, World(), parameter)
        for offer in offers
        for key, parameter in offer.parameters.items()
        if not parameter.required
        and parameter.kind in _KINDS_WITH_DEFAULT
        and every.count(parameter.name) == 1
        and rng.random() < 0.7
    }


def _forbidden(rng: random.Random) -> tuple[Forbidden, ...]:
    topics = rng.sample([row[0] for row in rows("tools/forbidden_rules")], rng.choice((0, 0, 1, 1, 2)))
    return tuple(Forbidden(topic, sentence(rng)) for topic in topics)


def _aliases(rng: random.Random) -> dict[str, str]:
    names = rng.sample(rows_of("aliases"), rng.choice((1, 1, 2)))
    return {name: rng.choice(rooms()) for name in names}
