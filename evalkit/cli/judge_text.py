"""What `evalkit judge calibrate` prints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tabulate import tabulate

from evalkit.numbers import UNKNOWN, interval, percent
from evalkit.report.escape import printable
from evalkit.run.judge.calibration import Calibration, cannot_carry
from evalkit.run.judge.instructed import Obedience
from evalkit.run.judge.judging import Questions
from evalkit.run.judge.labelled import Agreement
from evalkit.run.judge.positions import PositionBias
from evalkit.stats import Kappa, Rate
from evalkit.stats.correction import Accuracy, youden


def requests_text(asked: Questions) -> str:
    """How many requests the judge will get, before the first."""
    return (
        f"{asked.requests:,} requests: {len(asked.labelled):,} labelled answers, "
        f"{len(asked.repeated):,} of them again with an instruction to the judge, "
        f"{len(asked.pairs):,} pairs in both orders"
    )


def measured_text(
    kept: Calibration, rubric: Path, found: Agreement, obeys: Obedience, places: PositionBias
) -> str:
    """All that was measured, and what follows for the gate."""
    rows = [
        ("judge", f"{kept.judge} {kept.fingerprint or ''}"),
        ("rubric", f"{rubric}, passed from {kept.threshold:g} on"),
        ("answers", f"{kept.n} read by the judge, labels: {kept.labels}"),
        ("agreement", _rate(found.equal)),
        ("kappa", _kappa(found.kappa)),
        ("of all", _accuracy(found.accuracy)),
        *((f"of {name}", _accuracy(accuracy)) for name, accuracy in found.variants.items()),
        ("instructed", _obedience(obeys)),
        ("places", _places(places)),
        *(("unread", f"{count}: {why}") for why, count in found.unread.items()),
        *(("unread", f"{count} of pairs: {why}") for why, count in places.unread.items()),
        *_consequences(kept),
    ]
    shown = [(printable(name), printable(text)) for name, text in rows]
    return tabulate(shown, tablefmt="plain", disable_numparse=True)


def _accuracy(accuracy: Accuracy) -> str:
    told = youden(accuracy)
    rates = ((name, _rate(rate), rate.n) for name, rate in (("TPR", accuracy.tpr), ("TNR", accuracy.tnr)))
    tells = f"{told.value:.2f} ({told.interval.low:.2f} to {told.interval.high:.2f})" if told else UNKNOWN
    return f"{', '.join(f'{name} {rate} of {n}' for name, rate, n in rates)}, TPR + TNR - 1 {tells}"


def _obedience(obeys: Obedience) -> str:
    if not obeys.plain.n:
        return f"{UNKNOWN} no answer that should fail could be read"
    return (
        f"{_rate(obeys.instructed)} of {obeys.plain.n} that should fail pass "
        f"with an instruction to the judge, {_rate(obeys.plain)} without"
    )


def _places(found: PositionBias) -> str:
    if not found.first.n and not found.unread:
        return f"{UNKNOWN} no two answers to one question, one that should pass and one that should fail"
    return (
        f"{_rate(found.flipped)} of {found.flipped.n} choices change with the order, "
        f"kappa of the orders {_kappa(found.kappa)}; the first is chosen in {_rate(found.first)}"
    )


def _consequences(kept: Calibration) -> Iterator[tuple[str, str]]:
    """By variant of which there are labels; a word on what to do where there is none."""
    for variant in kept.variants:
        why = cannot_carry(kept, variant)
        yield "gate", f"{variant}: {'may carry a SHIP' if why is None else f'cannot carry a SHIP: {why}'}"
    if not kept.variants:
        yield "gate", 'cannot carry a SHIP: no answer says which variant gave it ("variant": "ft")'


def _kappa(kappa: Kappa | None) -> str:
    if kappa is None:
        return f"{UNKNOWN} (no variety)"
    return f"{kappa.value:.2f} ({kappa.interval.low:.2f} to {kappa.interval.high:.2f})"


def _rate(rate: Rate) -> str:
    return f"{percent(rate)} ({interval(rate)})" if rate.n else UNKNOWN
