"""Episodes of information extraction: one system prompt in one of very many wordings, several texts."""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.extract.copying import copy_episode
from evalkit.local.corpus.extract.notes import (
    HEADLINE,
    Facts,
    Field,
    domains,
    fields,
    short_thing,
    text_and_facts,
    thing,
)
from evalkit.local.corpus.extract.plain import plain_episode
from evalkit.local.corpus.layout import Section, described, lay_out, listed
from evalkit.local.corpus.names import World
from evalkit.local.corpus.wordings import fill, lines, rows, say

Form = Literal["json", "lines", "semicolons", "value"]
Place = Literal["sentence", "task", "list"]
Slots = dict[str, object]

# The shipped suite's fields in the shipped order: never asked for in training.
_HELD_OUT_KEYS = ("player", "team", "sport", "gender")
_NUMBERS = ("no", "one", "two", "three", "four", "five")
_WORLD = World()

_PLACES: tuple[Place, ...] = ("sentence", "task", "list")
# How to ask for JSON where the keys are named elsewhere.
_ASKING = {"task": "extract/format_json_those", "list": "extract/format_json_listed"}

# Longest system prompt in characters, about 400 tokens.
_LONGEST = 1500

# How the text may be handed over by the user.
_DRESSES = ("Text: {text}", '"{text}"', "Input: {text}", "Here it is: {text}", "{text}\n", "Text:\n{text}")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a prompt asks for: fields under names of its choosing, in a form; a word for what is missing."""

    domain: str
    keys: tuple[tuple[str, Field], ...]
    form: Form
    missing: str

    def answer(self, facts: Facts) -> str:
        """The right answer to a text with these facts."""
        values = {key: facts[field.name] for key, field in self.keys}
        if self.form == "json":
            return json.dumps(values, ensure_ascii=False)
        shown = {key: self.missing if value is None else value for key, value in values.items()}
        if self.form == "lines":
            return "\n".join(f"{key}: {value}" for key, value in shown.items())
        return "; ".join(shown.values())


def extract_episode(rng: random.Random) -> Episode:
    """An episode about finding facts in texts; some only copy names, some have no instruction at all."""
    kind = rng.random()
    if kind < 0.09:
        return plain_episode(rng, _WORLD)
    if kind < 0.25:
        return copy_episode(rng, _WORLD)
    wanted = _wanted(rng)
    dress = rng.choice(_DRESSES) if rng.random() < 0.25 else "{text}"
    turns = tuple(_turn(rng, wanted, dress) for _ in range(rng.randint(5, 9)))
    system = _prompt(rng, wanted)
    while len(system) > _LONGEST:
        system = _prompt(rng, wanted)
    return Episode(system, turns)


def _turn(rng: random.Random, wanted: Wanted, dress: str = "{text}") -> Turn:
    text, facts = text_and_facts(rng, _WORLD, wanted.domain)
    return Turn(fill(rng, dress, text=text), wanted.answer(facts))


def _wanted(rng: random.Random) -> Wanted:
    domain = HEADLINE if rng.random() < 0.66 else rng.choice(domains())
    form: Form = rng.choices(("json", "lines", "semicolons", "value"), (76, 10, 7, 7))[0]
    missing = "null" if form == "json" else rng.choice(("unknown", "null", "-", "none", "n/a", "?"))
    return Wanted(domain, _keys(rng, domain, single=form == "value"), form, missing)


def _keys(rng: random.Random, domain: str, *, single: bool) -> tuple[tuple[str, Field], ...]:
    """Some fields of the domain, each under one of its names."""
    available = fields(domain)
    count = 1 if single else rng.choices((1, 2, 3, 4, 5), (5, 12, 25, 43, 15))[0]
    chosen = rng.sample(available, min(count, len(available)))
    if rng.random() < 0.35:  # the order in which people think of them
        chosen.sort(key=available.index)
    unusual = rng.random() < 0.4
    keys = tuple((rng.choice(field.keys) if unusual else field.keys[0], field) for field in chosen)
    if tuple(key.lower() for key, _ in keys) == _HELD_OUT_KEYS:
        return keys[2:] + keys[:2]
    return keys


def _prompt(rng: random.Random, wanted: Wanted) -> str:
    """A system prompt: short (a sentence or two) up to long (setting, task, fields, rules, examples)."""
    size = rng.choices((0, 1, 2), (15, 27, 58))[0]
    slots = _slots(rng, wanted)
    later = slots | short_thing(rng, wanted.domain)
    place = _place_of_keys(rng, wanted)
    sections = [
        Section("role", _some(rng, size, slots, {"personas": (0.3, 0.7, 0.8), "input": (0.2, 0.4, 0.6)})),
        _task(rng, size, slots, place),
        _output(rng, size, slots, wanted, place),
        *_key_lists(rng, size, wanted, place),
        _rules(rng, size, later, wanted),
        _background(rng, size, later, wanted),
        _examples(rng, wanted) if rng.random() < (0.15, 0.3, 0.45)[size] else Section("examples"),
    ]
    if place != "sentence":
        return lay_out(rng, sections)
    if rng.random() < 0.25:
        rng.shuffle(sections)
    elif rng.random() < 0.5:  # background first, as people often begin with it
        sections.insert(rng.choice((0, 1)), sections.pop(-2))
    return lay_out(rng, sections)


def _place_of_keys(rng: random.Random, wanted: Wanted) -> Place:
    """Where a prompt names the keys: in the sentence that asks for JSON, in the task, or in a list."""
    if wanted.form != "json":
        return "sentence"
    return rng.choices(_PLACES, (60, 18, 22))[0]


def _slots(rng: random.Random, wanted: Wanted) -> Slots:
    keys = [key for key, _ in wanted.keys]
    return thing(rng, wanted.domain) | {
        "keys": listed(rng, keys),
        "count": _NUMBERS[len(keys)] if rng.random() < 0.8 else str(len(keys)),
        "null": "null" if wanted.form == "json" else f'"{wanted.missing}"',
        "year": rng.randint(1950, 2024),
    }


def _some(
    rng: random.Random, size: int, slots: Slots, chances: Mapping[str, Sequence[float]]
) -> tuple[str, ...]:
    """A sentence of each file extract_NAME.txt, with the chance that it has in a prompt of this size."""
    return tuple(
        say(rng, f"extract/{name}", **slots)
        for name, by_size in chances.items()
        if rng.random() < by_size[size]
    )


def _several(rng: random.Random, name: str, count: int, slots: Slots) -> tuple[str, ...]:
    chosen = rng.sample(lines(f"extract/{name}"), count)
    return tuple(fill(rng, line, **slots) for line in chosen)


def _task(rng: random.Random, size: int, slots: Slots, place: Place) -> Section:
    if place == "task":
        return Section("task", (say(rng, "extract/tasks_keys", **slots),))
    return Section("task", _some(rng, size, slots, {"tasks": (0.4, 0.7, 0.9)}))


def _output(rng: random.Random, size: int, slots: Slots, wanted: Wanted, place: Place) -> Section:
    """The form of the answer: always said in words, in JSON sometimes also shown."""
    asking = {"sentence": f"extract/format_{wanted.form}"} | _ASKING
    if rng.random() < 0.1:  # player (the athlete's name), team (the club)
        told = (f"{key} ({_description(rng, field)})" for key, field in wanted.keys)
        slots = slots | {"keys": ", ".join(told)}
    sentences = [say(rng, asking[place], **slots)]
    skeleton = ""
    if wanted.form == "json" and place != "list" and rng.random() < (0.1, 0.2, 0.3)[size]:
        sentences.append(say(rng, "extract/skeleton_intro"))
        skeleton = _skeleton(rng, [key for key, _ in wanted.keys])
    return Section("output", tuple(sentences), skeleton)


def _skeleton(rng: random.Random, keys: Sequence[str]) -> str:
    if rng.random() < 0.12:
        kinds = {key: {"type": ["string", "null"]} for key in keys}
        return json.dumps({"type": "object", "properties": kinds, "required": list(keys)})
    value = rng.choice(
        ("...", '"..."', "string or null", '"<{key}>"', '"string"', "value", "null", '"{key}"')
    )
    entries = [f'"{key}": {value.replace("{key}", key)}' for key in keys]
    return "{" + ", ".join(entries) + "}" if rng.random() < 0.7 else "{\n  " + ",\n  ".join(entries) + "\n}"


def _key_lists(rng: random.Random, size: int, wanted: Wanted, place: Place) -> tuple[Section, ...]:
    """Each key with a description, as bullets or in prose; nothing where the prompt does without."""
    if place != "list" and rng.random() > (0.1, 0.45, 0.65)[size]:
        return ()
    or_null = say(rng, "extract/key_null") if wanted.form == "json" and rng.random() < 0.15 else ""
    told = [(key, _description(rng, field) + or_null) for key, field in wanted.keys]
    if place != "list" and rng.random() < 0.3:
        wording = rng.choice(lines("extract/key_prose"))
        return (Section("keys", tuple(fill(rng, wording, key=key, text=text) for key, text in told)),)
    intro = place != "list" and rng.random() < 0.4
    return (Section("keys", (say(rng, "extract/keys_intro"),) if intro else (), described(rng, told)),)


def _description(rng: random.Random, field: Field) -> str:
    return fill(rng, rng.choice(field.descriptions)).strip()


def _rules(rng: random.Random, size: int, slots: Slots, wanted: Wanted) -> Section:
    """What to write for missing values, how to copy names, and that nothing else is wanted; in any order."""
    sentences = [say(rng, "extract/null", **slots)] if wanted.form != "json" or rng.random() < 0.8 else []
    only = "only_json" if wanted.form == "json" else "only_plain"
    sentences += _several(rng, only, rng.randint(0, (1, 2, 4)[size]), slots)
    sentences += _several(rng, "copy", rng.randint(0, (0, 1, 2)[size]), slots)
    sentences += _several(rng, "guess", rng.randint(0, (0, 1, 2)[size]), slots)
    if wanted.domain == HEADLINE:
        sentences += _several(rng, "guess_headline", rng.randint(0, (0, 1, 3)[size]), slots)
    if rng.random() < 0.6:
        rng.shuffle(sentences)
    return Section("rules", tuple(sentences))


def _background(rng: random.Random, size: int, slots: Slots, wanted: Wanted) -> Section:
    """Sentences that do not change the answer, as real prompts are full of them."""
    sentences = list(_several(rng, "background", rng.randint(0, (1, 2, 6)[size]), slots))
    if wanted.domain == HEADLINE:
        sentences += _several(rng, "background_headline", rng.randint(0, (0, 1, 2)[size]), slots)
    rng.shuffle(sentences)
    return Section("background", tuple(sentences))


def _examples(rng: random.Random, wanted: Wanted) -> Section:
    """One to four texts with their answers, in one of many layouts."""
    before_text, before_answer, between = (
        part.replace("\\n", "\n") for part in rng.choice(rows("extract/example_layouts"))
    )
    gap = rng.choice(("\n", "\n", "\n\n"))
    shown = [_turn(rng, wanted) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    block = gap.join(f"{before_text}{turn.user}{between}{before_answer}{turn.answer}" for turn in shown)
    return Section("examples", (say(rng, "extract/example_intro"),) if rng.random() < 0.6 else (), block)
