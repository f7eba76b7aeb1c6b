"""Episodes about names alone: whether a first name is a man's or a woman's; a last name does not tell."""

import json
import random

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.names import Gender, World
from evalkit.local.corpus.wordings import fill, rows

_KEYS = ("name", "player", "person", "athlete", "who")
_PLACES = {"male": 0, "female": 1, None: 2}
_WORLD = World()


def gender_episode(rng: random.Random) -> Episode:
    """Six to fourteen names: under a system prompt, as JSON, or asked about one by one."""
    turns = range(rng.randint(8, 14))
    form = rng.random()
    if form < 0.2:
        return Episode("", tuple(_asked(rng) for _ in turns))
    if form < 0.55:
        return _as_json(rng)
    answers, wording = rng.choice(rows("extract/gender_tasks"))
    named = [_name(rng) for _ in turns]
    told = answers.split("; ")
    return Episode(fill(rng, wording), tuple(Turn(name, told[_PLACES[gender]]) for name, gender in named))


def _as_json(rng: random.Random) -> Episode:
    key = rng.choice(_KEYS)
    shown = json.dumps({key: "...", "gender": "..."})
    system = fill(
        rng,
        "[Return|Answer with] [JSON|a JSON object]: {shown}[.|, where the gender is male, female or null.]",
        shown=shown,
    )
    named = (_name(rng) for _ in range(rng.randint(6, 10)))
    return Episode(system, tuple(Turn(name, _record(key, name, gender)) for name, gender in named))


def _record(key: str, name: str, gender: Gender | None) -> str:
    return json.dumps({key: name, "gender": gender}, ensure_ascii=False)


def _asked(rng: random.Random) -> Turn:
    first, gender = _WORLD.first(rng)
    _, ask, answer = rng.choice([row for row in rows("extract/gender_asks") if row[0] == gender])
    return Turn(fill(rng, ask, name=first), fill(rng, answer, name=first))


def _name(rng: random.Random) -> tuple[str, Gender | None]:
    kind = rng.random()
    if kind < 0.15:
        return _WORLD.last(rng), None
    name, gender = _WORLD.first(rng) if kind < 0.35 else _WORLD.full(rng)
    return name.upper() if rng.random() < 0.05 else name, gender
