"""What changed between two runs: for the terminal, as Markdown, as JSON."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from tabulate import tabulate

from evalkit.comparison.changes import CaseChange
from evalkit.gate.regression import Shift, SuiteChange
from evalkit.gate.two_runs import RunChanges
from evalkit.numbers import UNKNOWN, difference, differences, percent
from evalkit.report.columns import columns
from evalkit.report.escape import clip, markdown_code, markdown_text, printable
from evalkit.stats import Interval, Rate

WIDTH = 100
LISTED = 10
"""Cases of each kind, where not all are asked for."""

WORDS = {"worse": "WORSE", "better": "BETTER", "unknown": "UNKNOWN", "open": "NO CHANGE SHOWN"}

_HEAD = (
    "suite", "variant", "cases", "before", "now", "points", "95%", "p",
    "new failing", "new passing", "flipping",
)  # fmt: skip
_ALIGN = "llrrrrrrrrr"


def terminal(found: RunChanges, *, all_cases: bool = False) -> str:
    """A table, a sentence for each suite, and the cases that changed; all of them, or the first."""
    rows = [[clip(printable(cell), 30) for cell in _row(each)] for each in found.suites]
    lines = [f"old  {printable(found.before)}", f"new  {printable(found.now)}", ""]
    lines += [columns([_HEAD, *rows], _ALIGN), ""]
    for each in found.suites:
        told = f"{WORDS[each.state]}  {printable(each.suite)}: {printable(_sentence(each))}"
        lines += textwrap.wrap(told, WIDTH, subsequent_indent="  ")
    for each in found.suites:
        lines += _listed(each, all_cases=all_cases)
    return "\n".join([*lines, "", *_wrapped(_notes(found))]).rstrip()


def markdown(found: RunChanges) -> str:
    """The same, with all cases."""
    rows = [[markdown_text(cell) for cell in _row(each)] for each in found.suites]
    sides = {"l": "left", "r": "right"}
    align = [sides[side] for side in _ALIGN]
    lines = [f"# {markdown_text(found.before)} against {markdown_text(found.now)}", ""]
    lines += [
        f"- **{WORDS[each.state]}** {markdown_text(f'{each.suite}: {_sentence(each)}')}"
        for each in found.suites
    ]
    lines += ["", tabulate(rows, _HEAD, tablefmt="pipe", colalign=align, disable_numparse=True), ""]
    for each in found.suites:
        for title, cases in _kinds(each):
            lines += [f"## {markdown_text(f'{each.suite}: {title}')}", ""]
            lines += [f"- {markdown_code(name)} {markdown_code(why)}".rstrip() for name, why in cases]
            lines += [""]
    return "\n".join([*lines, *(f"- {markdown_text(note)}" for note in _notes(found)), ""])


def changes_json(found: RunChanges) -> str:
    """For programs: everything, in full precision; null is unknown."""
    data = {
        "before": found.before,
        "now": found.now,
        "suites": [_suite_json(each) for each in found.suites],
        "suites_gone": found.gone,
        "suites_added": found.added,
        "notes": found.notes,
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _row(each: SuiteChange) -> tuple[str, ...]:
    variant = each.now if each.now == each.before else f"{each.before} -> {each.now}"
    counts = (each.changes.failing, each.changes.passing, each.changes.flipping)
    return (
        each.suite, variant, f"{each.pairs.n:g}", percent(each.passed_before), percent(each.passed_now),
        difference(each.difference), differences(each.interval), f"{each.p.alike:.2g}",
        *(f"{len(cases):,}" for cases in counts),
    )  # fmt: skip


def _sentence(each: SuiteChange) -> str:
    """What was found, what it rests on, and whether chance alone does as much."""
    if each.difference is None:
        return "no case was decided in both runs."
    return " ".join([_found(each), *_noise(each), *_means(each)])


def _found(each: SuiteChange) -> str:
    counted = f"{each.pairs.n:g} {each.unit}s"
    if not each.pairs.discordance:
        found = f"{each.now} passes the same of {counted}."
    else:
        rates = f"{each.now} passes {percent(each.passed_now)}, before {percent(each.passed_before)}"
        found = f"{rates} ({counted}; p of no loss {each.p.worse:.2g}, alpha {each.alpha:g})."
    missing = " It would be worse if what is missing or undecided in the new run had failed."
    return found + (missing if each.state == "unknown" else "")


def _means(each: SuiteChange) -> Iterator[str]:
    """What moved of score, cost and latency."""
    shifts = (
        ("score", each.score, 1, ".3g"),
        ("$/1,000", each.cost_usd, 1000, ".3g"),
        ("ms", each.latency_ms, 1, ",.0f"),
    )
    moved = ((name, shift, scale, form) for name, shift, scale, form in shifts if shift and shift.difference)
    told = [_shift(name, shift, scale, form) for name, shift, scale, form in moved]
    if told:
        yield f"Means: {'; '.join(told)}."


def _noise(each: SuiteChange) -> Iterator[str]:
    if each.changes.noise:
        floor = each.changes.noise.floor
        told = f"asked twice in one run, {percent(floor)} of {floor.n} cases differ{_ends(floor.interval)}"
        yield f"{'This is noise: ' if each.within_noise else 'Noise floor: '}{told}."


def _ends(found: Interval | None) -> str:
    return f" ({100 * found.low:.0f}-{100 * found.high:.0f}%)" if found else ""


def _shift(name: str, found: Shift, scale: float, form: str) -> str:
    """`score 0.91, before 0.94 (-0.05 to -0.01)`: the interval is that of the difference."""
    ends = UNKNOWN
    if found.interval:
        ends = f"{scale * found.interval.low:+{form}} to {scale * found.interval.high:+{form}}"
    return f"{name} {scale * found.now:{form}}, before {scale * found.before:{form}} ({ends})"


def _listed(each: SuiteChange, *, all_cases: bool) -> Iterator[str]:
    for title, cases in _kinds(each):
        yield from ("", f"{printable(each.suite)}: {len(cases):,} {title}")
        shown = cases if all_cases else cases[:LISTED]
        yield from (clip(f" {printable(name)}  {printable(why)}".rstrip(), WIDTH) for name, why in shown)
        if left := len(cases) - len(shown):
            yield f" … and {left:,} more: -v lists them"


def _kinds(each: SuiteChange) -> Iterator[tuple[str, Sequence[tuple[str, str]]]]:
    """The kinds of change that occurred, each with its cases and what is to be said of them."""
    found = each.changes
    changed = (
        ("newly failing", found.failing),
        ("newly passing", found.passing),
        ("flipping between repeats now", found.flipping),
        ("flipping between repeats before", found.flipped),
    )
    yield from ((title, [(case.case, _told(case)) for case in cases]) for title, cases in changed if cases)
    named = (
        ("with another question: left out", found.reworded),
        ("without a decided answer in one of the runs: left out", found.undecided),
        ("in the old run only", found.gone),
        ("in the new run only", found.added),
    )
    yield from ((title, [(case, "") for case in cases]) for title, cases in named if cases)


def _told(case: CaseChange) -> str:
    """`2 of 3, before 3 of 3  equals  want "Oslo"`; the numbers only where there are repeats."""
    if case.before.n == case.now.n == 1:
        return case.why
    return f"{case.now.passed} of {case.now.n}, before {case.before.passed} of {case.before.n}  {case.why}"


def _notes(found: RunChanges) -> Iterator[str]:
    for told, names in (("old", found.gone), ("new", found.added)):
        if names:
            yield f"In the {told} run only: {', '.join(names)}."
    yield from found.notes


def _wrapped(notes: Iterator[str]) -> list[str]:
    return [line for note in notes for line in textwrap.wrap(printable(note), WIDTH)]


def _suite_json(each: SuiteChange) -> dict[str, Any]:
    found = each.changes
    return {
        "suite": each.suite,
        "variant_before": each.before,
        "variant": each.now,
        "state": each.state,
        "cases": each.pairs.n,
        "unit": each.unit,
        "pass_rate_before": each.passed_before.share,
        "pass_rate": each.passed_now.share,
        "difference": each.difference,
        "difference_95": _pair(each.interval),
        "mcnemar_p": each.p.alike,
        "worse_p": each.p.worse,
        "better_p": each.p.better,
        "worse_p_if_missing_failed": each.p.worse_if_failed,
        "alpha": each.alpha,
        "noise_floor": _rate_json(found.noise.floor) if found.noise else None,
        "within_noise": each.within_noise,
        "score": _shift_json(each.score),
        "cost_usd": _shift_json(each.cost_usd),
        "latency_ms": _shift_json(each.latency_ms),
        "newly_failing": [_case_json(case) for case in found.failing],
        "newly_passing": [_case_json(case) for case in found.passing],
        "flipping": [_case_json(case) for case in found.flipping],
        "flipping_before": [_case_json(case) for case in found.flipped],
        "gone": found.gone,
        "added": found.added,
        "reworded": found.reworded,
        "undecided": found.undecided,
    }


def _case_json(case: CaseChange) -> dict[str, Any]:
    return {
        "case": case.case,
        "before": _rate_json(case.before),
        "now": _rate_json(case.now),
        "why": case.why,
    }


def _rate_json(rate: Rate) -> dict[str, int]:
    return {"passed": rate.passed, "n": rate.n}


def _shift_json(found: Shift | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "before": found.before,
        "now": found.now,
        "difference": found.difference,
        "difference_95": _pair(found.interval),
        "cases": found.n,
    }


def _pair(found: Interval | None) -> list[float] | None:
    return [found.low, found.high] if found else None
