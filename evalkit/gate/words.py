"""A decision in one sentence, with its evidence."""

from __future__ import annotations

from collections.abc import Iterable

from evalkit.gate.model import SPOKEN, Decision, Endpoint, Floor
from evalkit.numbers import percent, points
from evalkit.stats.planning import POWER, least_cases
from evalkit.suite.model import LATENCIES


def reason(decision: Decision) -> str:
    """`ft passes 86%, prompted 71%: truly at least +7 points (95% sure, 120 cases; -5 allowed).`"""
    if not decision.pairs:
        return f"{decision.candidate} and {decision.baseline} share no answered case."
    if not decision.level and decision.word == "inconclusive":
        return f"{_rates(decision)}, but no further look is left: {decision.labels[0]}."
    if decision.word == "ship":
        return f"{_rates(decision)}: {_shown(decision)}."
    lines = _missed(decision.floors) if decision.word == "dont_ship" else _open(decision)
    return " ".join(lines) if decision.word == "inconclusive" else _worse(decision, lines)


def _shown(decision: Decision) -> str:
    """What is shown of the endpoint that is shown least."""
    least = min(decision.endpoints, key=_low)
    several = len(decision.endpoints) > 1
    where = f"each of {len(decision.endpoints)} checks" if several else least.name
    weakest = f"least on {least.name}; " if several else ""
    return f"truly {_at_least(100 * _low(least), decision)} on {where} ({weakest}{_surety(decision)})"


def _at_least(found: float, decision: Decision) -> str:
    if found >= 0:
        return f"at least {points(f'{found:+.0f}')}"
    return f"at most {points(f'{-found:.{_digits(decision, -found)}f}')} worse"


def _worse(decision: Decision, missed: list[str]) -> str:
    found = [each for each in decision.endpoints if each.p_worse <= (decision.level or decision.alpha)]
    if not found:
        return " ".join(missed)
    most = min(found, key=lambda each: each.difference or 0.0)
    ends = ""
    if most.interval:
        ends = f"{-100 * most.interval.high:.0f} to {-100 * most.interval.low:.0f}, "
    others = (
        f", and on {', '.join(each.name for each in found if each is not most)}" if len(found) > 1 else ""
    )
    allowed = f"{ends}{_counted(decision)}; {100 * decision.margin:g} allowed"
    lost = f"{decision.candidate} is {points(f'{-100 * (most.difference or 0):.0f}')} worse on {most.name}"
    return " ".join([f"{lost} ({allowed}){others}.", *missed])


def _open(decision: Decision) -> list[str]:
    """Why nothing is shown, the weightiest first, and what would help."""
    verb = "is" if decision.unknown == 1 else "are"
    unknown = f"{decision.unknown} of {decision.pairs} pairs of answers {verb} unknown"
    if decision.unknown and decision.without_unknown != "inconclusive":
        return [f"{unknown}; but for that it would be {SPOKEN[decision.without_unknown]}."]
    notes = [f"{each.name}: {each.note}." for each in decision.endpoints if each.note]
    found = [each for each in decision.endpoints if each.state == "open" and not each.note]
    told = [_may_be_worse(decision, found)] if found else []
    lines = [*told, *_missed(decision.floors), *_short(decision.floors), *notes]
    return lines or [f"{unknown}, and the decision hangs on how they are counted."]


def _may_be_worse(decision: Decision, found: list[Endpoint]) -> str:
    worst = max(found, key=lambda each: each.p_noninferior)
    needed, allowed = least_cases(decision.margin, decision.level), f"{100 * decision.margin:g}"
    much = _how_much(worst, decision)
    may = f"{_rates(decision)}; {decision.candidate} may be {much} worse on {worst.name}"
    more = max((each.more for each in found if each.more), default=None)
    if more is None:
        return f"{may}, {allowed} allowed."
    unit = ("group" if decision.clustered else "case") + ("s" if more > 1 else "")
    least = f" (at least {needed} in all)" if worst.pairs.n < needed else ""
    again = _repeats(found)
    plan = f"About {more:,} more {unit}{again} would decide{least} ({POWER:.0%} power, if equal)."
    return f"{may} ({_counted(decision)}), {allowed} allowed. {plan}"


def _repeats(found: Iterable[Endpoint]) -> str:
    """Where asking each case more often would do for all of them."""
    repeats = [each.more_repeats for each in found]
    known = [count for count in repeats if count is not None]
    return f", or {max(known):,} more answers to each," if known and len(known) == len(repeats) else ""


def _how_much(worst: Endpoint, decision: Decision) -> str:
    """By the interval; by the exact test where that, unlike the interval, cannot exclude what is allowed."""
    low, allowed = -_low(worst), decision.margin
    if low <= allowed:
        return f"{100 * allowed:g} or more points (p {worst.p_noninferior:.3g}, {decision.level:.3g} is due)"
    return points(f"{100 * low:.{_digits(decision, 100 * low)}f}")


def _digits(decision: Decision, found: float) -> int:
    """One behind the point where a whole number would look like what is allowed."""
    return int(round(found) == round(100 * decision.margin))


def _missed(found: Iterable[Floor]) -> list[str]:
    told = []
    for each in found:
        if each.state == "missed":
            value, limit = floor_figure(each, each.value), floor_figure(each, each.limit)
            told.append(f"{each.name} is {value}, {limit} is required: surely missed.")
    return told


def _short(found: Iterable[Floor]) -> list[str]:
    """Floors that are not shown either way."""
    told = []
    for each in found:
        if each.state == "open":
            least = f", and it takes at least {each.least}" if each.least and each.n < each.least else ""
            sure = f"sure of {floor_figure(each, each.bound)} with {each.n} answers{least}"
            told.append(f"{each.name}: {floor_figure(each, each.limit)} is required, {sure}.")
    return told


def floor_figure(floor: Floor, value: float | None) -> str:
    """In the unit of what is required: `800 ms`, `$0.4`, `90.0%`."""
    if value is None:
        return "nothing"
    if floor.name in LATENCIES:
        return f"{value:,.0f} ms"
    return f"${value:,.4g}" if floor.name == "cost_per_1k" else f"{value:.1%}"


def _rates(decision: Decision) -> str:
    mine, theirs = percent(decision.candidate_rate), percent(decision.baseline_rate)
    if mine == theirs:
        return f"{decision.candidate} and {decision.baseline} both pass {mine}"
    return f"{decision.candidate} passes {mine}, {decision.baseline} {theirs}"


def _surety(decision: Decision) -> str:
    allowed = f"{-100 * decision.margin:zg} allowed"
    return f"{100 * (1 - decision.alpha):g}% sure, {_counted(decision)}; {allowed}"


def _counted(decision: Decision) -> str:
    if decision.clustered:
        return f"{decision.pairs:,} pairs in {decision.cases:,} groups"
    return f"{decision.pairs:,} pairs"


def _low(endpoint: Endpoint) -> float:
    return endpoint.interval.low if endpoint.interval else -1.0
