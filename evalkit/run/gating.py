"""What run.json keeps for the gate: the suite's rule, and what its cases say of themselves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from evalkit.errors import UsageError
from evalkit.suite.model import Suite


class Gating(msgspec.Struct, frozen=True):
    """One suite's.

    Attributes:
        candidate, baseline: names of variants.
        margin, alpha, inconclusive, require: as in the suite's `gate:`.
        checks: the names of the suite's checks. `case_checks`: whether cases have checks of their own.
        groups, tags: by case id, of the cases that have them.
    """

    candidate: str
    baseline: str
    margin: float
    alpha: float
    inconclusive: Literal["fail", "pass"]
    require: dict[str, float]
    checks: tuple[str, ...]
    case_checks: bool = False
    groups: dict[str, str] = {}
    tags: dict[str, tuple[str, ...]] = {}


def gating_of(suite: Suite, roles: tuple[str, str]) -> dict[str, Any]:
    """A suite's, for run.json; `roles`: candidate and baseline."""
    rule, marked = suite.gate, suite.cases if suite.case_marks else ()
    groups, tags = {}, {}
    for case in marked:
        if case.group:
            groups[case.id] = case.group
        if case.tags:
            tags[case.id] = case.tags
    require = {name: float(limit) for name, limit in rule.require.items()}
    names = tuple(named.name for named in suite.checks)
    found = Gating(
        *roles, float(rule.margin), float(rule.alpha), rule.inconclusive, require, names,
        suite.case_checks, groups, tags,
    )  # fmt: skip
    kept: dict[str, Any] = msgspec.to_builtins(found)
    return kept


def not_comparable(roles: tuple[str, str], asked: Collection[str]) -> str | None:
    """Why candidate and baseline, of the variants `asked`, have nothing to decide; None where they have."""
    for name in roles:
        if name not in asked:
            return f"{name} is not asked, so there is nothing to compare"
    return f"{roles[0]} is candidate and baseline, which never differ" if len(set(roles)) == 1 else None


def read_gating(info: Mapping[str, Any]) -> dict[str, Gating]:
    """By suite, from run.json.

    Raises:
        UsageError: it is damaged, or another version of evalkit wrote it.
    """
    try:
        return msgspec.convert(info["gate"], dict[str, Gating])
    except (KeyError, msgspec.ValidationError) as fault:
        raise UsageError(f"run.json: gate: {fault}: it is damaged, or of another version") from fault
