"""Messages to a smart home for suites/smart-home, with the call that is due or the sentence of a refusal."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from evalkit.local.corpus.names import World
from evalkit.local.corpus.tools.catalogue import Offer, Parameter, Request, ask
from evalkit.local.corpus.tools.house import House, Shape
from evalkit.local.corpus.wordings import fill, grouped, lines

Line = dict[str, Any]

_DEVICE = Parameter("device", "room", required=True)
OFFERS = (
    Offer(
        "light",
        "light",
        "set_light",
        "Switch or dim a light.",
        {
            "place": _DEVICE,
            "on": Parameter("on", "boolean", required=True),
            "brightness": Parameter("brightness", "percent", required=False),
        },
    ),
    Offer(
        "blind",
        "blind",
        "move_blind",
        "Move a blind.",
        {"place": _DEVICE, "position": Parameter("position", "position", True, ("open", "closed", "half"))},
    ),
    Offer(
        "heating",
        "heater",
        "set_heating",
        "Set a temperature.",
        {"place": _DEVICE, "degrees": Parameter("degrees", "degrees", required=True)},
    ),
    Offer(
        "music",
        "speaker",
        "play_music",
        "Play music on a speaker.",
        {
            "place": _DEVICE,
            "genre": Parameter("genre", "genre", required=True),
            "volume": Parameter("volume", "percent", required=False),
        },
    ),
)
HOUSE = House(shape=Shape("noun_first", "."), defaults={("light", "brightness"): 70})
FORBIDDEN = "Doors and alarms stay in human hands."
REFUSAL = "My four devices cannot do that."

_REFUSED = {"doors": FORBIDDEN, "alarm": FORBIDDEN}


def tools() -> list[Line]:
    """What every line offers, as OpenAI's API takes it; how devices are named stands in the prompt alone."""
    return [_tool(offer) for offer in OFFERS]


def requests(rng: random.Random, count: int, *, held_out: bool) -> list[tuple[str, Line]]:
    """`count` different wishes, the tools in turn: (tool's topic, line)."""
    found: dict[str, tuple[str, Line]] = {}
    while len(found) < count:
        request = ask(rng, OFFERS[len(found) % len(OFFERS)], World(held_out))
        found.setdefault(request.text, (request.offer.topic, _called(request)))
    return list(found.values())


def refusals(rng: random.Random, count: int, *, held_out: bool) -> list[tuple[str, Line]]:
    """`count` different messages for which no call is due: ("forbidden" or "off-topic", line)."""
    ending = "_held_out" if held_out else ""
    forbidden = grouped(f"tools/forbidden{ending}")
    wishes = [("forbidden", wish, said) for topic, said in _REFUSED.items() for wish in forbidden[topic]]
    wishes += [("off-topic", wish, REFUSAL) for wish in lines(f"tools/off_topic{ending}")]
    rng.shuffle(wishes)
    return [(tag, _chat(text, {"content": said})) for tag, text, said in _worded(rng, wishes)][:count]


def _worded(rng: random.Random, wishes: list[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    for tag, wish, said in wishes:
        slots = {"n": rng.randint(2, 9), "n2": rng.randint(2, 9), "country": "Norway"}
        yield tag, fill(rng, wish, first=World().first(rng)[0], **slots), said


def _called(request: Request) -> Line:
    call = HOUSE.call(request)
    function = {"name": call.name, "arguments": call.arguments}
    return _chat(request.text, {"tool_calls": [{"id": "call_1", "type": "function", "function": function}]})


def _chat(text: str, answer: Line) -> Line:
    messages = [{"role": "user", "content": text}, {"role": "assistant", **answer}]
    return {"messages": messages, "tools": tools()}


def _tool(offer: Offer) -> Line:
    shown = offer.tool
    properties = dict(shown.parameters["properties"])
    for share in properties.keys() & {"brightness", "volume"}:
        properties[share] = {"type": "integer", "minimum": 1, "maximum": 100}
    parameters = {**shown.parameters, "properties": properties, "additionalProperties": False}
    function = {"name": shown.name, "description": shown.description, "parameters": parameters}
    return {"type": "function", "function": function}
