"""Models that are shut down on a known day: what was paid for is to be recorded before that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from evalkit.config import LOCAL
from evalkit.config.hosts import host_of
from evalkit.endpoints.base import RECORDED
from evalkit.prices import table
from evalkit.tokens import ft_base

PAST = "past"
"""In place of a date: it is over, nobody noted since when."""

NAMED = 3
"""Models that a sentence names; the others are counted."""

Info = Mapping[str, Any]


def closing_notes(info: Info, today: date) -> Iterator[str]:
    """A sentence for each day on which models of a run are shut down, the nearest first.

    The server's own word, kept in run.json, comes before the shipped table's, which is OpenAI's and holds
    where OpenAI answers. The embedded models and recorded answers are nobody's to shut down.
    """
    by_day: dict[str, list[str]] = {}
    for model, endpoint in sorted(_asked(info)):
        if day := _day(info["endpoints"].get(endpoint, {}), model):
            by_day.setdefault(day, []).append(model)
    for day in sorted(by_day):
        yield _note(by_day[day], day, today)


def _asked(info: Info) -> set[tuple[str, str]]:
    variants = (variant for found in info["plan"]["variants"].values() for variant in found.values())
    asked = {(variant["model"], variant["endpoint"]) for variant in variants}
    return {(model, endpoint) for model, endpoint in asked if endpoint not in (LOCAL, RECORDED)}


def _day(place: Info, model: str) -> str | None:
    if told := place.get("shutdown_dates", {}).get(model):
        return str(told)
    if not f".{host_of(place.get('base_url') or '')}".endswith(".openai.com"):
        return None
    base = ft_base(model)
    known = table().closing.get(base or model)
    if known is None:
        return None
    return known.fine_tunes if base else known.model


def _note(models: list[str], day: str, today: date) -> str:
    """`gpt-4.1 is shut down on 2027-01-14, in 52 days: record its answers before (evalkit record).`"""
    several = len(models) > 1
    more = f" and {len(models) - NAMED} more" if len(models) > NAMED else ""
    named = f"{', '.join(models[:NAMED])}{more}"
    if day == PAST:
        return f"{named} {'are' if several else 'is'} shut down already ({table().source}, {table().date})."
    left = (date.fromisoformat(day) - today).days
    if left < 0:
        return f"{named} {'were' if several else 'was'} shut down on {day}, {_days(-left)} ago."
    when = f"on {day}, in {_days(left)}" if left else f"today, {day}"
    rest = f"record {'their' if several else 'its'} answers before that (evalkit record)"
    return f"{named} {'are' if several else 'is'} shut down {when}: {rest}."


def _days(count: int) -> str:
    return f"{count} day{'s' if count != 1 else ''}"
