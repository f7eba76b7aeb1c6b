"""Episodes that only copy names: the hardest skill of a tiny model, so it is trained on its own as well."""

import json
import random
from collections.abc import Callable, Mapping, Sequence

from evalkit.local.corpus.episode import Episode, Turn
from evalkit.local.corpus.names import World, invented
from evalkit.local.corpus.wordings import fill, grouped, rows, say

Names = Sequence[str]

_DONE: Mapping[str, Callable[[Names], str]] = {
    "same": ", ".join,
    "quoted": lambda names: f'"{", ".join(names)}"',
    "upper": lambda names: ", ".join(names).upper(),
    "lines": "\n".join,
    "dashes": lambda names: "\n".join(f"- {name}" for name in names),
    "array": lambda names: json.dumps(list(names), ensure_ascii=False),
    "semicolons": "; ".join,
    "first": lambda names: names[0],
    "second": lambda names: names[1],
    "last": lambda names: names[-1],
    "count": lambda names: str(len(names)),
}
_KEYS = ("name", "text", "answer", "message", "input", "value", "result", "player", "team")


def copy_episode(rng: random.Random, world: World) -> Episode:
    """Names to be repeated, listed, quoted or picked: under a system prompt, or as the user asks for it."""
    turns = rng.randint(5, 9)
    if rng.random() < 0.45:
        return Episode("", tuple(_asked(rng, world) for _ in range(turns)))
    task, wording = rng.choice(rows("extract/copy_tasks"))
    key = rng.choice(_KEYS) if rng.random() < 0.7 else invented(rng).lower()
    system = fill(rng, wording, key=key)
    if rng.random() < 0.5:
        rest = say(rng, "extract/background", things="texts", thing="text", year=2020)
        system = f"{rest} {system}" if rng.random() < 0.5 else f"{system} {rest}"
    return Episode(system, tuple(_ordered(rng, world, task, key) for _ in range(turns)))


def _ordered(rng: random.Random, world: World, task: str, key: str) -> Turn:
    names = _names(rng, world)
    text = ", ".join(names)
    if task == "object":
        return Turn(text, json.dumps({key: text}, ensure_ascii=False))
    return Turn(text, f"{key}: {text}" if task == "tagged" else _DONE[task](names))


def _asked(rng: random.Random, world: World) -> Turn:
    task = rng.choice(tuple(grouped("extract/copy_asks")))
    names = _names(rng, world)
    return Turn(
        fill(rng, rng.choice(grouped("extract/copy_asks")[task]), text=", ".join(names)), _DONE[task](names)
    )


def _names(rng: random.Random, world: World) -> Names:
    """Two to four names of people, teams, cities, and numbers."""
    return [rng.choice(_MAKERS)(rng, world) for _ in range(rng.randint(2, 4))]


_MAKERS: Sequence[Callable[[random.Random, World], str]] = (
    lambda rng, world: world.full(rng)[0],
    lambda rng, world: world.full(rng)[0],
    lambda rng, world: world.last(rng),
    lambda rng, world: world.team(rng),
    lambda rng, world: world.team(rng),
    lambda rng, world: world.city(rng),
    lambda rng, _: invented(rng),
    lambda rng, _: str(rng.randint(1, 9999)),
)
