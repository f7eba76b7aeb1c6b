"""Sports headlines and what they say: who, which team, which sport, which gender.

The rules that a reader (or a model) can rely on:
- player: the name just as written, full or last name only; null where nobody is named.
- team: just as written, without "the"; of two teams the player's; a bare city is a place, not a team.
- sport: from an unmistakable event ("dunks") or role ("goalie"); null after neutral news.
- gender: from a first name, else from a cue ("women's", "his"); otherwise null.
"""

import random
from dataclasses import dataclass, replace
from functools import cache

from evalkit.local.corpus.names import GENDERS, Gender, World, possessive, with_article
from evalkit.local.corpus.wordings import fill, grouped, lines, say, slots

# Sports that seldom have teams with mascots.
_INDIVIDUAL = frozenset(("tennis", "golf", "swimming", "cycling"))
_NO_SPORT = "-"
_CUE_WORDS = {
    "female": {"womens": "women's", "Womens": "Women's", "her": "her", "she": "she"},
    "male": {"womens": "men's", "Womens": "Men's", "her": "his", "she": "he"},
}
_ENDINGS = ("!", "!", ".", "...", " ...", "!!!", " (video)", " - report", "?!", " #sports")


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline and its facts; None where it does not tell. `event` is what happened, as written."""

    text: str
    player: str | None = None
    team: str | None = None
    sport: str | None = None
    gender: Gender | None = None
    event: str | None = None

    def fields(self) -> dict[str, str | None]:
        """The four facts that the shipped suite asks for."""
        return {"player": self.player, "team": self.team, "sport": self.sport, "gender": self.gender}


def headline(rng: random.Random, world: World) -> tuple[str, dict[str, str | None]]:
    """A headline's text and its {player, team, sport, gender}."""
    drawn = draw(rng, world)
    return drawn.text, drawn.fields()


def draw(rng: random.Random, world: World) -> Headline:
    """A random headline with names from `world`."""
    wants = rng.choices(("player team", "player", "team", "neither", "off topic"), (46, 35, 11, 5, 3))[0]
    if wants == "off topic":
        return Headline(say(rng, "extract/headline_off_topic", place=world.city(rng)))
    shape = rng.choice(_shapes()[wants])
    player, gender = _player(rng, world) if "player" in wants else (None, None)
    told = Headline("", player, world.team(rng) if "team" in wants else None, gender=gender)
    return _dress(rng, _tell(rng, world, shape, told))


@cache
def _shapes() -> dict[str, tuple[str, ...]]:
    groups: dict[str, list[str]] = {"player team": [], "player": [], "team": [], "neither": []}
    for shape in lines("extract/headline_shapes"):
        who = " ".join(
            name for name in ("player", "team") if {name, f"the_{name}", f"{name}s"} & slots(shape)
        )
        groups[who or "neither"].append(shape)
    return {who: tuple(shapes) for who, shapes in groups.items()}


def _player(rng: random.Random, world: World) -> tuple[str, Gender | None]:
    return world.full(rng) if rng.random() < 0.64 else (world.last(rng), None)


def _tell(rng: random.Random, world: World, shape: str, told: Headline) -> Headline:
    """Fill `shape`: event and role agree on the sport, and a cue agrees with the gender."""
    wanted = slots(shape)
    sport = _sport(rng, has_team=told.team is not None)
    event, event_sport = _event(rng, wanted, sport)
    role, role_sport = _role(rng, sport) if "role" in wanted else ("", None)
    prefix, suffix, gender = _cue(rng, told.gender, wanted)
    text = prefix + fill(
        rng,
        shape,
        player=told.player,
        team=told.team,
        teams=told.team and possessive(told.team),
        the_team=told.team and with_article(told.team),
        rival=world.team(rng),
        place=world.city(rng),
        role=role,
        event=event + suffix,
        team_event=event + suffix,
    )
    text = text.strip()
    return replace(
        told,
        text=text[0].upper() + text[1:],
        sport=event_sport or role_sport,
        gender=gender,
        event=event or None,
    )


def _sport(rng: random.Random, *, has_team: bool) -> str:
    if rng.random() < 0.24:
        return _NO_SPORT
    sports = [
        sport for sport in grouped("extract/headline_events") if not (has_team and sport in _INDIVIDUAL)
    ]
    return (
        rng.choice(sports) if rng.random() < 0.85 else rng.choice(tuple(grouped("extract/headline_events")))
    )


def _event(rng: random.Random, wanted: frozenset[str], sport: str) -> tuple[str, str | None]:
    """What happened and the sport that it gives away; nothing where the shape has no room for it."""
    if "team_event" in wanted:
        phrases = grouped("extract/headline_team_events")[sport]
    elif "event" not in wanted:
        return "", None
    elif sport == _NO_SPORT:
        phrases = lines("extract/headline_neutral")
    else:
        phrases = grouped("extract/headline_events")[sport]
    phrase = fill(rng, rng.choice(phrases), n=rng.randint(10, 60), m=rng.randint(2, 9))
    return phrase, None if sport == _NO_SPORT else sport


def _role(rng: random.Random, sport: str) -> tuple[str, str | None]:
    """A role and the sport that it gives away, if any."""
    if sport == _NO_SPORT or rng.random() < 0.4:
        return rng.choice(grouped("extract/headline_roles")[_NO_SPORT]), None
    return rng.choice(grouped("extract/headline_roles")[sport]), sport


def _cue(rng: random.Random, known: Gender | None, wanted: frozenset[str]) -> tuple[str, str, Gender | None]:
    """Words before the headline, words after its event, and the gender that is then known."""
    if rng.random() > (0.1 if known else 0.35):
        return "", "", known
    gender: Gender = known if known is not None else rng.choice(GENDERS)
    words = _CUE_WORDS[gender]
    subject = "team" if "team_event" in wanted else "athlete"
    if {"event", "team_event"} & wanted and rng.random() < 0.8:
        cue = fill(rng, rng.choice(grouped("extract/headline_cues")[subject]), **words)
        return "", cue if cue.startswith(",") else f" {cue}", gender
    return say(rng, "extract/headline_cue_prefixes", **words) + " ", "", gender


def _dress(rng: random.Random, told: Headline) -> Headline:
    """Awkward input, now and then: all capitals, trailing punctuation."""
    if rng.random() < 0.1:
        told = replace(told, text=told.text + rng.choice(_ENDINGS))
    if rng.random() < 0.025:
        told = replace(
            told,
            text=told.text.upper(),
            player=told.player and told.player.upper(),
            team=told.team and told.team.upper(),
            event=told.event and told.event.upper(),
        )
    return told
