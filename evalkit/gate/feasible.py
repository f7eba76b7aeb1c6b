"""What a gate needs at least, said before anything is spent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from evalkit.numbers import points
from evalkit.stats.planning import least_cases
from evalkit.suite.model import GateRule, Suite


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
