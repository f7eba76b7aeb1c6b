"""The table of the four arms, as every format shows it."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.comparison.arms import ALL, EFFECTS, Arms, Effect
from evalkit.report.columns import columns
from evalkit.report.escape import clip, printable

TITLE = "What tuning and the prompt brought, in points of the pass rate on the same cases (95%)"

NAMES = ("tuning", "tuning with prompt", "the prompt", "left-over prompt")
"""Of EFFECTS, in their order."""

NOT_ASKED = "-"

Row = tuple[str, ...]


def table(arms: Mapping[str, Arms]) -> tuple[Row, tuple[Row, ...]]:
    """The head, and a row a suite: its name, and a cell an effect; only effects that some suite tells.

    Names of suites are as they come: to be escaped by who shows them.
    """
    told = _told(arms)
    head = ("suite", *(f"{name} ({after} - {before})" for name, (after, before) in told))
    rows = tuple(
        (suite if suite != ALL else "all", *(cell(found.of(*effect)) for _, effect in told))
        for suite, found in arms.items()
    )
    return head, rows


def _told(arms: Mapping[str, Arms]) -> list[tuple[str, tuple[str, str]]]:
    """Effects that some suite tells, with their names."""
    named = zip(NAMES, EFFECTS, strict=True)
    return [(name, effect) for name, effect in named if any(each.of(*effect) for each in arms.values())]


def cell(effect: Effect | None) -> str:
    """`+15 (7 to 23)`, in points; `?` where no case was decided under both arms, `-` where one is missing."""
    if effect is None:
        return NOT_ASKED
    if effect.difference is None:
        return "?"
    if effect.interval is None:
        return f"{_points(effect.difference)} (?)"
    return (
        f"{_points(effect.difference)} ({100 * effect.interval.low:.0f} to {100 * effect.interval.high:.0f})"
    )


def left_out(arms: Mapping[str, Arms]) -> list[str]:
    """`cities, left out as one arm's answer is undecided or missing: tuning 3`; nothing where none are."""
    found = []
    for name, suite in arms.items():
        told = dict(zip(EFFECTS, NAMES, strict=True))
        counts = [
            f"{told[each.after, each.before]} {each.left_out:,}" for each in suite.effects if each.left_out
        ]
        if counts and name != ALL:
            found.append(f"{name}, left out as one arm's answer is undecided or missing: {', '.join(counts)}")
    return found


def lines(arms: Mapping[str, Arms]) -> list[str]:
    """The table for a terminal, 100 columns wide, and sentences; nothing where no suite has three arms."""
    if not arms:
        return []
    told = _told(arms)
    head = (("", *(name for name, _ in told)), ("", *(" - ".join(effect) for _, effect in told)))
    rows = [(clip(printable(name), 20), *cells) for name, *cells in table(arms)[1]]
    shown = columns([*head, *rows], "l" + "r" * len(told))
    return [f"{TITLE}:", *(f"  {line}" for line in shown.split("\n")), *map(printable, left_out(arms))]


def _points(difference: float) -> str:
    return f"{100 * difference:+.0f}"
