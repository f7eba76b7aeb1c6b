"""What a reader must know to read the figures, a sentence each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evalkit.comparison import Comparison
from evalkit.config import LOCAL
from evalkit.numbers import UNKNOWN, percent
from evalkit.run.judge.calibration import Calibration, read_calibrations
from evalkit.run.recorded import all_recorded
from evalkit.stats.correction import Accuracy, Corrected, corrected_rate

EMBEDDED = (
    "Embedded model: 2.4M parameters, trained for the shipped tasks; "
    "on your own it will do poorly. Name a model."
)

REASONS_SHOWN = 3
"""Of a suite's null verdicts; the records have all."""

Info = dict[str, Any]


def notes(info: Info, comparison: Comparison) -> tuple[str, ...]:
    """Notes on a run's figures, from its run.json and from themselves."""
    parts = (_partial, _left_out, _recorded, _unknown_costs, _latency, _judges, _embedded)
    return tuple(note for part in parts for note in part(info, comparison))


def _partial(info: Info, _: Comparison) -> Iterator[str]:
    if info["partial"]:
        yield "Partial run: cases were left out, so nothing may be decided on it."


def _left_out(info: Info, _: Comparison) -> Iterator[str]:
    """What of another run's records is not in this one, which checked them again."""
    if "regraded_from" in info:
        left = ((why, found["records"]) for why, found in info.get("left_out", {}).items())
        counts = [f"{count:,} whose case has {why}" for why, count in left if count]
        told = f"; left out: {', '.join(counts)}" if counts else ""
        yield f"The answers of {Path(info['regraded_from']).name}, checked again{told}."


def _recorded(info: Info, _: Comparison) -> Iterator[str]:
    """Which answers were not asked for, and what of cases and answers did not go together."""
    for found in info.get("responses", ()):
        gaps = (
            (found["missing"]["count"], f"of {found['cases']:,} cases have no answer, or too few"),
            (found["unmatched"]["count"], f"of {found['answers']:,} answers match no case"),
            (found["further"], "more answers of the same cases are not graded"),
        )
        told = "".join(f"; {count:,} {what}" for count, what in gaps if count)
        yield f"{found['variant']}: recorded answers of {found['file']}, latency as it is given there{told}."


def _unknown_costs(info: Info, comparison: Comparison) -> Iterator[str]:
    """Why a `?` stands for the cost: no price, or tokens that were not counted."""
    why = set()
    for suite in comparison.suites:
        for row in suite.rows:
            if row.cost_per_1k is None and row.records > row.errors:
                variant = info["plan"]["variants"][suite.name][row.variant]
                why.add(_unknown_cost(variant, counted=row.prompt_tokens is not None))
    yield from sorted(why)


def _unknown_cost(variant: Mapping[str, Any], *, counted: bool) -> str:
    name, model = variant["name"], variant["model"]
    if not counted and variant.get("responses"):
        return f"? the recorded answers of {name} do not all say how many tokens they took (usage)."
    if not counted:
        return f"? the server of {model} does not say how many tokens it used."
    if not model:
        return f"? the recorded answers of {name} do not agree on a model, so they have no price."
    return f"? no price for {model}: add it under [[prices]]."


def _latency(info: Info, comparison: Comparison) -> Iterator[str]:
    if all_recorded(info):
        return
    cached = sum(row.cached for row in comparison.total)
    left_out = f"; {cached:,} cached answers are left out of it" if cached else ""
    under_way = info.get("concurrencies", [info["options"]["concurrency"]])
    yield f"Latency at {' and '.join(map(str, under_way))} under way, interleaved{left_out}."


def _judges(info: Info, comparison: Comparison) -> Iterator[str]:
    """Who judged, how far that judge can be trusted, and why it could not always be read."""
    for suite, checks in read_calibrations(info).items():
        judge = info["plan"]["judges"][suite]["model"]
        for check, found in checks.items():
            yield f"{suite} {check}: {_trust(judge, found)}"
            if found and (rates := list(_true_rates(found, check, suite, comparison))):
                yield f"{suite} {check}, the judge's errors taken out: {'; '.join(rates)}"
    for suite_figures in comparison.suites:
        for why, count in Counter(suite_figures.unknown_reasons).most_common(REASONS_SHOWN):
            yield f"{suite_figures.name} null: {why} ({count})"


def _trust(judge: str, found: Calibration | None) -> str:
    if found is None:
        return f"judge {judge} is not calibrated; see evalkit judge calibrate --help"
    if found.kappa is None or found.low is None or found.high is None:
        return f"judge {judge}: {found.n} {found.labels} labels do not tell how far it agrees"
    interval = f"{found.low:.2f} to {found.high:.2f}"
    agrees = (
        f"judge {judge} agrees with {found.n} {found.labels} labels, kappa {found.kappa:.2f} ({interval})"
    )
    known = {"all": found.accuracy, **found.variants}
    return "; ".join((agrees, *(_reads(whose, rates) for whose, rates in known.items() if rates)))


def _reads(whose: str, rates: Accuracy) -> str:
    """`ft: TPR 98% of 60, TNR ? of 0`."""
    return f"{whose}: TPR {percent(rates.tpr)} of {rates.tpr.n}, TNR {percent(rates.tnr)} of {rates.tnr.n}"


def _true_rates(found: Calibration, check: str, suite: str, comparison: Comparison) -> Iterator[str]:
    """`ft passes 91% (82-97), seen 95%`; of variants whose answers were labelled."""
    rows = (row for figures in comparison.suites if figures.name == suite for row in figures.rows)
    for row in rows:
        rates, seen = found.rates(row.variant), row.checks.get(check)
        if rates and seen:
            yield f"{row.variant} passes {_shown(corrected_rate(seen, rates))}, seen {percent(seen)}"


def _shown(found: Corrected | None) -> str:
    if found is None:
        return UNKNOWN
    return f"{found.value:.0%} ({100 * found.interval.low:.0f}-{100 * found.interval.high:.0f})"


def _embedded(info: Info, _: Comparison) -> Iterator[str]:
    variants = (variant for found in info["plan"]["variants"].values() for variant in found.values())
    if any(variant["endpoint"] == LOCAL for variant in variants):
        yield EMBEDDED
