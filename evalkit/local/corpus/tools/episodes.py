"""Episodes over a few tools: a call, a refusal, or a sentence about what a tool returned."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from evalkit.local.chat_template import call_line, signature
from evalkit.local.corpus import facts
from evalkit.local.corpus.episode import Episode, Step, Turn
from evalkit.local.corpus.extract.notes import value
from evalkit.local.corpus.names import World
from evalkit.local.corpus.things import draw_act, draw_people, draw_thing
from evalkit.local.corpus.tools.catalogue import SUITE, Offer, Request, ask, draw, home_topics, topics
from evalkit.local.corpus.tools.house import House, draw_house, ruleless, told
from evalkit.local.corpus.wordings import capital, fill, grouped, rows, say, slots

_WORLD = World()
_LONGEST = 1300  # characters of a system text without its tools


def tool_episode(rng: random.Random) -> Episode:
    """Seven to eleven messages to a model that has two to five tools."""
    offers = _offers(rng)
    drawn = rng.random()
    house = draw_house(rng, offers) if drawn < 0.6 else House()
    text = _rules(rng, house, offers) if drawn < 0.6 else ruleless(rng) if drawn < 0.75 else ""
    turns = tuple(_turn(rng, offers, house) for _ in range(rng.randint(7, 11)))
    return Episode("\n\n".join(part for part in (text, toolbox(offers)) if part), turns)


def toolbox(offers: Sequence[Offer]) -> str:
    """The tools as the chat template shows them."""
    return "\n".join(["Tools:", *(signature(offer.tool) for offer in offers)])


def _offers(rng: random.Random) -> Sequence[Offer]:
    """Tools with names that differ; those of a home more often than others."""
    from_home = round(rng.choice((0, 0.5, 1, 1, 1)) * (count := rng.randint(2, 5)))
    home = rng.sample((*SUITE, *home_topics()), len(home_topics()))  # the suite's twice as often
    chosen = list(dict.fromkeys(home))[:from_home]
    chosen += rng.sample([topic for topic in topics() if topic not in chosen], count - len(chosen))
    offers: list[Offer] = []
    for topic in rng.sample(chosen, len(chosen)):
        offer = draw(rng, topic)
        while offer.name in {other.name for other in offers}:
            offer = draw(rng, topic)
        offers.append(offer)
    return offers


def _rules(rng: random.Random, house: House, offers: Sequence[Offer]) -> str:
    text = told(rng, house, offers)
    while len(text) > _LONGEST:
        text = told(rng, house, offers)
    return text


def _turn(rng: random.Random, offers: Sequence[Offer], house: House) -> Turn:
    drawn = rng.random()
    if drawn < 0.28:
        return _refused(rng, offers, house)
    request = _aliased(rng, ask(rng, rng.choice(offers), _WORLD), house)
    if drawn < 0.38 and (reported := _reported(rng, request, house)):
        return reported
    return Turn(_dressed(rng, request.text), call_line(house.call(request)))


def _aliased(rng: random.Random, request: Request, house: House) -> Request:
    """The request for a room by its other name, now and then."""
    place = request.arguments.get("place")
    if not house.aliases or not isinstance(place, str) or rng.random() < 0.5:
        return request
    alias = rng.choice(tuple(house.aliases))
    text = request.text.replace(place, alias)
    if alias not in text:  # the room's name begins the sentence
        return request
    return Request(text, request.offer, {**request.arguments, "place": alias}, request.unset)


def _refused(rng: random.Random, offers: Sequence[Offer], house: House) -> Turn:
    """Small talk, something for a tool that is not there, or something forbidden."""
    otherwise = house.refusal or say(rng, "tools/refusals")
    drawn = rng.random()
    if house.forbidden and drawn < 0.5:
        rule = rng.choice(house.forbidden)
        return Turn(_wish(rng, rule.topic), rule.sentence)
    if drawn < 0.55:
        return Turn(_off_topic(rng), otherwise)
    if drawn < 0.65:
        ruled = {rule.topic for rule in house.forbidden}
        wished = rng.choice([topic for topic in grouped("tools/forbidden") if topic not in ruled])
        return Turn(_wish(rng, wished), otherwise)
    offered = {offer.topic for offer in offers}
    missing = draw(rng, rng.choice([topic for topic in topics() if topic not in offered]))
    return Turn(ask(rng, missing, _WORLD).text, otherwise)


def _off_topic(rng: random.Random) -> str:
    if rng.random() < 0.3:
        return facts.question(rng.choice(facts.all_facts()), "en", rng)
    fact = rng.choice([fact for fact in facts.all_facts() if fact.relation == "capital"])
    slots = {"n": rng.randint(2, 12), "n2": rng.randint(2, 12), "country": fact.subject["en"]}
    return say(rng, "tools/off_topic", first=_WORLD.first(rng)[0], **slots)


def _wish(rng: random.Random, topic: str) -> str:
    line = rng.choice(grouped("tools/forbidden")[topic])
    return fill(rng, line, n=rng.randint(2, 9), first=_WORLD.first(rng)[0])


def _reported(rng: random.Random, request: Request, house: House) -> Turn | None:
    """The request, its call, what the tool returned, and a sentence about it; None where none is worded."""
    known = {**request.arguments, "noun": request.offer.noun, **_news(rng)}
    fitting = [row[1:] for row in rows("tools/results") if row[0] == request.offer.topic]
    fitting = [(result, said) for result, said in fitting if slots(result + said) <= known.keys()]
    if not fitting:
        return None
    result, said = rng.choice(fitting)
    steps: tuple[Step, ...] = (
        ("assistant", call_line(house.call(request))),
        ("tool", fill(rng, result, **known)),
    )
    return Turn(request.text, fill(rng, said, **known), steps)


def _news(rng: random.Random) -> Mapping[str, object]:
    """What a tool may return."""
    made = {name: value(rng, _WORLD, name) for name in ("time", "city", "team", "score")}
    made |= {"sky": value(rng, _WORLD, "condition"), "code": value(rng, _WORLD, "flight_no")}
    made |= {"name": f"Hotel {_WORLD.last(rng)}", "degrees": str(rng.randint(1, 35))}
    made |= {"minutes": str(rng.randint(2, 30)), "few": str(rng.randint(2, 9))}
    return {f"new.{name}": made for name, made in (made | {"amount": str(rng.randint(2, 900))}).items()}


def _preface(rng: random.Random) -> str:
    drawn = {**draw_thing(rng), **draw_act(rng), **draw_people(rng)}
    return capital(say(rng, "tools/prefaces", day=value(rng, _WORLD, "weekday"), **drawn))


def _dressed(rng: random.Random, text: str) -> str:
    """As people type: now and then in lower case, without the full stop, with a greeting or a reason."""
    drawn = rng.random()
    if drawn < 0.06:
        return text.lower() if not any(char.isupper() for char in text[1:]) else text
    if drawn < 0.12:
        return text.rstrip(".")
    if drawn < 0.2:
        return f"{rng.choice(('Hi!', 'Hello.', 'Please:', 'Okay.', 'Hey,'))} {text}"
    if drawn < 0.35:
        return f"{_preface(rng)} {text[0].lower()}{text[1:]}"
    return text
