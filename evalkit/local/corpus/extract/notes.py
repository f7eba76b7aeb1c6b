"""Texts to extract facts from: sports headlines, and a dozen kinds of invented notes.

A note comes from a template of wordings/extract/notes.txt; fields that the template does not mention are
missing. Fields, their names and their descriptions are in wordings/extract/fields.txt.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from evalkit.local.corpus.extract.headlines import draw
from evalkit.local.corpus.names import World
from evalkit.local.corpus.wordings import fill, grouped, rows, slots

HEADLINE = "headline"
Facts = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a domain: where its values come from, what it may be called, how it may be described."""

    name: str
    generator: str
    keys: tuple[str, ...]
    descriptions: tuple[str, ...]


@cache
def fields(domain: str) -> tuple[Field, ...]:
    """All fields of a domain."""
    return tuple(
        Field(name.partition(".")[2], generator, tuple(keys.split("; ")), tuple(descriptions.split("; ")))
        for name, generator, keys, descriptions in rows("extract/fields")
        if name.startswith(domain + ".")
    )


def domains() -> tuple[str, ...]:
    """All domains but the headlines."""
    return tuple(grouped("extract/notes"))


def text_and_facts(rng: random.Random, world: World, domain: str) -> tuple[str, Facts]:
    """A text of this domain and the value of each of its fields; None where the text does not tell."""
    if domain == HEADLINE:
        drawn = draw(rng, world)
        return drawn.text, drawn.fields() | {"event": drawn.event}
    template = rng.choice(grouped("extract/notes")[domain])
    told = slots(template)
    facts = {field.name: value(rng, world, field.generator) for field in fields(domain) if field.name in told}
    text = fill(rng, template, **facts)
    return text[0].upper() + text[1:], {field.name: facts.get(field.name) for field in fields(domain)}


def thing(rng: random.Random, domain: str) -> dict[str, str]:
    """What a text of this domain is called, as the slots {thing}, {a_thing} and {things} of wordings."""
    return _thing(fill(rng, rng.choice(grouped("extract/things")[domain])))


def short_thing(rng: random.Random, domain: str) -> dict[str, str]:
    """The same as people say it the second time."""
    return _thing(
        rng.choice(
            ("headline*", "headline*", "text*") if domain == HEADLINE else ("text*", "message*", "note*")
        )
    )


def _thing(named: str) -> dict[str, str]:
    article = "an" if named[0] in "aeiou" else "a"
    singular = named.replace("*", "")
    return {"thing": singular, "a_thing": f"{article} {singular}", "things": named.replace("*", "s")}


def value(rng: random.Random, world: World, generator: str) -> str:
    """A value of one of the kinds that wordings/extract/fields.txt names as generators."""
    made = _GENERATORS.get(generator)
    return made(rng, world) if made else word(rng, generator)


def word(rng: random.Random, kind: str) -> str:
    """A word of this kind, as listed in wordings/extract/words.txt."""
    return rng.choice(_words()[kind])


@cache
def _words() -> dict[str, tuple[str, ...]]:
    return {kind: tuple(words.split()) for kind, words in rows("extract/words")}


def _title(rng: random.Random, world: World) -> str:
    adjective, noun = word(rng, "adjective"), word(rng, "noun")
    return rng.choice((f"The {adjective} {noun}", f"{adjective} {noun}", f"The {noun} of {world.city(rng)}"))


def _company(rng: random.Random, world: World) -> str:
    return f"{world.last(rng)} {word(rng, 'company_word')}"


def _email(rng: random.Random, world: World) -> str:
    return f"{world.first(rng)[0]}@{world.city(rng)}.{rng.choice(('com', 'org', 'net'))}".lower().replace(
        " ", ""
    )


def _price(rng: random.Random, _: World) -> str:
    return f"{rng.randint(2, 480)}{rng.choice(('', '.50', '.99', '.00'))}"


_GENERATORS: Mapping[str, Callable[[random.Random, World], str]] = {
    "first": lambda rng, world: world.first(rng)[0],
    "last": lambda rng, world: world.last(rng),
    "full": lambda rng, world: world.full(rng)[0],
    "city": lambda rng, world: world.city(rng),
    "team": lambda rng, world: world.team(rng),
    "title": _title,
    "company": _company,
    "email": _email,
    "price": _price,
    "count": lambda rng, _: str(rng.randint(2, 60)),
    "time": lambda rng, _: f"{rng.randint(5, 23)}:{rng.choice(('00', '05', '15', '20', '30', '45'))}",
    "flight_no": lambda rng, _: f"{word(rng, 'airline')}{rng.randint(100, 999)}",
    "gate": lambda rng, _: f"{rng.choice('ABCDE')}{rng.randint(1, 40)}",
    "year": lambda rng, _: str(rng.randint(1920, 2025)),
    "invoice_no": lambda rng, _: f"{rng.choice(('INV-', 'R', 'No. ', ''))}{rng.randint(1000, 9999)}",
    "date": lambda rng, _: f"{word(rng, 'month')} {rng.randint(1, 28)}",
    "salary": lambda rng, _: f"{rng.randint(28, 120)}000",
    "temperature": lambda rng, _: str(rng.randint(-9, 38)),
    "phone": lambda rng, _: f"{rng.randint(100, 999)} {rng.randint(1000, 9999)}",
    "age": lambda rng, _: str(rng.randint(3, 95)),
    "score": lambda rng, _: f"{rng.randint(2, 9)}-{rng.randint(0, 1)}",
}
