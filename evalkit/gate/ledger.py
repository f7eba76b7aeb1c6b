"""What of alpha a look at a candidate may still use.

A first look has all of it. Further looks at other data, after one that did not end in SHIP, have what is
left: the bound of Bonferroni, so that all looks together are wrong in at most alpha.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.config.looks import Look

if TYPE_CHECKING:  # loads scipy
    from evalkit.gate.schedule import Schedule

NOTHING = 1e-9
"""Less of alpha than this is none."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a look may use.

    Attributes:
        level: one-sided; 0 where nothing is left.
        spent: of alpha once it has been taken.
        labels: what a reader must know of it, the reason for a level of 0 first.
    """

    level: float
    spent: float
    labels: tuple[str, ...] = ()


def allowance(before: Sequence[Look], now: Look, planned: Schedule | None = None) -> Allowance:
    """What the next look may use.

    Args:
        before: all looks at this candidate, against this baseline, in this suite; oldest first.
        now: the look that is to be taken: at the same data as one before, it is no further one.
        planned: of `--until-decided`; those of one run share what was left before it.
    """
    labels = tuple(_post_hoc(before, now))
    if again := [look for look in before if (look.data, look.alpha) == (now.data, now.alpha)]:
        return Allowance(again[-1].level, again[-1].spent, labels)
    others = [look for look in before if planned is None or look.run != now.run]
    left = max(0.0, now.alpha - _spent(others))
    if left < NOTHING:
        return Allowance(0.0, now.alpha - left, (_nothing_left(others), *labels))
    if planned is None:
        return Allowance(left, now.alpha, labels)
    return Allowance(planned.level(left), now.alpha - left + planned.spent(left), labels)


def _spent(before: Sequence[Look]) -> float:
    """Of alpha, since the candidate was last let through: nothing more can go wrong after a SHIP."""
    spent = 0.0
    for look in before:
        spent = 0.0 if look.word == "ship" else max(spent, look.spent)
    return spent


def _nothing_left(before: Sequence[Look]) -> str:
    last = before[-1]
    return (
        f"its alpha was spent in {last.run} ({last.cases:,} pairs), and testing until it passes ships worse "
        "models more often; plan several looks with --until-decided, or gate another candidate"
    )


def _post_hoc(before: Iterable[Look], now: Look) -> Iterator[str]:
    """Labels of what was changed after the data had been seen."""
    first = next(iter(before), None)
    if first is None:
        return
    for name in ("margin", "alpha"):
        if getattr(first, name) != getattr(now, name):
            yield post_hoc(name, getattr(first, name), getattr(now, name))
    if first.rules != now.rules:
        yield "post hoc: the suite was changed after its data was first seen"


def post_hoc(name: str, then: float | str, now: float | str) -> str:
    """`post hoc: margin 0.1 was set after the data was seen (it was 0.05)`."""
    return f"post hoc: {name} {now} was set after the data was seen (it was {then})"


def identity(info: Mapping[str, Any], suite: str, variant: str) -> str:
    """Who answered: the model, its endpoint, and the hash of its weights or of the recorded answers."""
    found = info["plan"]["variants"][suite][variant]
    endpoint = info["endpoints"].get(found["endpoint"], {})
    mark = endpoint.get("fingerprints", {}).get(found["model"]) or found.get("responses")
    return " ".join(filter(None, (f"{found['model']}@{found['endpoint']}", mark)))
