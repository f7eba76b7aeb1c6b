"""What a gate needs at least, said before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalkit.config import Config, gate_roles
from evalkit.errors import UsageError
from evalkit.numbers import points
from evalkit.run.gating import not_comparable
from evalkit.stats.planning import least_cases
from evalkit.suite.model import GateRule, Suite, Variant


def needs(suites: Sequence[Suite], most: Mapping[str, int]) -> str:
    """`a margin of 5 points needs at least 59 cases, has 120`; of several suites, the fewest that one has.

    Suites with other margins are told in their order.

    Args:
        suites: that will be gated.
        most: how many of its cases are asked, by a suite's name.
    """
    margins = dict.fromkeys((suite.gate.margin, suite.gate.alpha) for suite in suites)
    told = (_need(margin, alpha, suites, most) for margin, alpha in margins)
    return "; ".join(told)


def _need(margin: float, alpha: float, suites: Sequence[Suite], most: Mapping[str, int]) -> str:
    rules = {suite.name: (suite.gate.margin, suite.gate.alpha) for suite in suites}
    fewest = min(count for name, count in most.items() if rules[name] == (margin, alpha))
    has = f"has {fewest:,}" if len(suites) == 1 else f"a suite has {fewest:,} or more"
    if not margin:
        return f"a margin of 0 takes a candidate that is better, {has}"
    least = f"{least_cases(margin, alpha):,} cases"
    return f"a margin of {points(f'{100 * margin:g}')} needs at least {least}, {has}"


def check_sides(suites: Iterable[Suite], config: Config, variants: Mapping[str, Sequence[Variant]]) -> None:
    """Refuse a gate that would have nothing to compare: it could never fail.

    Args:
        suites: that will be gated.
        config: names candidate and baseline where the suites' own are not meant.
        variants: that will be asked, by a suite's name.

    Raises:
        UsageError: candidate or baseline is not among them, or they are one.
    """
    for suite in suites:
        why = not_comparable(gate_roles(config, suite), [each.name for each in variants[suite.name]])
        if why:
            remedy = "see --variants, --candidate and --baseline, or decide nothing with --no-gate"
            raise UsageError(f"{suite.name}: {why}; {remedy}")


def hopeless(suites: Iterable[Suite], most: Mapping[str, int]) -> Iterator[str]:
    """A line for each suite that cannot SHIP, however well its candidate does."""
    for suite in suites:
        for least, what in _least(suite.gate):
            if most[suite.name] < least:
                yield (
                    f"{suite.name} cannot SHIP: {what} needs at least {least:,} cases, and it has "
                    f"{most[suite.name]:,}; add cases, or allow more (gate: in suite.yaml)"
                )


def _least(rule: GateRule) -> Iterator[tuple[int, str]]:
    yield least_cases(rule.margin, rule.alpha), f"a margin of {points(f'{100 * rule.margin:g}')}"
    if rule.require:
        from evalkit.gate.floors import least_answers  # loads scipy, which suites without floors do not need

        for name, limit in rule.require.items():
            yield least_answers(name, limit, rule.alpha) or 0, f"{name}: {limit:g}"
