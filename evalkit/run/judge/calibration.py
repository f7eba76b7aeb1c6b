"""How well a judge agrees with labelled answers: `evalkit judge calibrate` measures it, and keeps it here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from evalkit.checks.base import FileText
from evalkit.checks.rubric import Rubric
from evalkit.errors import StorageError, UsageError
from evalkit.jsontext import write_whole
from evalkit.stats.correction import Accuracy, Youden, youden
from evalkit.suite.model import Suite

LEAST_YOUDEN = 0.5
"""What the lower bound of TPR + TNR - 1 must reach for a judge to carry a SHIP."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How one judge's verdicts went with labels, under one rubric.

    Attributes:
        judge: the model's name. `fingerprint`: of its weights and adapter, where its endpoint tells it.
        rubric_sha256: of the rubric's text.
        threshold: the score from which an answer passes.
        n: labelled answers that the judge could read.
        kappa, low, high: with the 95% interval; None where every label, and every grade, is the same.
        labels: `human`, `model`, or `generated` where a program wrote answer and label.
        accuracy: on all labelled answers; None in files of versions that did not keep it.
        variants: on those that a variant gave, by its name.
    """

    judge: str
    fingerprint: str | None
    rubric_sha256: str
    threshold: float
    n: int
    kappa: float | None
    low: float | None
    high: float | None
    labels: str
    accuracy: Accuracy | None = None
    variants: Mapping[str, Accuracy] = field(default_factory=dict)

    def fits(self, judge: str, fingerprint: str | None, rubric: str, threshold: float) -> bool:
        """Whether it was measured with this very judge, this very rubric and this very threshold."""
        same_weights = None in (fingerprint, self.fingerprint) or fingerprint == self.fingerprint
        same_rule = self.rubric_sha256 == text_sha256(rubric) and self.threshold == threshold
        return self.judge == judge and same_weights and same_rule

    def rates(self, variant: str) -> Accuracy | None:
        """How well it reads the answers of one variant, by labelled answers of that variant alone."""
        return self.variants.get(variant)


def read_calibrations(info: Mapping[str, Any]) -> dict[str, dict[str, Calibration | None]]:
    """By suite and rubric check, from run.json; None where its judge was not calibrated.

    Raises:
        UsageError: it is damaged.
    """
    try:
        found = msgspec.convert(info.get("calibrations", {}), dict[str, dict[str, Calibration | None]])
        for calibrations in found.values():
            for calibration in calibrations.values():
                _check_counts(calibration)
    except ValueError as fault:
        raise UsageError(f"run.json: calibrations: {fault}: it is damaged, or of another version") from fault
    return found


def _check_counts(calibration: Calibration | None) -> None:
    if calibration:
        known = [calibration.accuracy] if calibration.accuracy else []
        for accuracy in (*known, *calibration.variants.values()):
            for rate in (accuracy.tpr, accuracy.tnr):
                if not 0 <= rate.passed <= rate.n:
                    raise ValueError(f"found {rate.passed} of {rate.n} labelled answers")


def cannot_carry(calibration: Calibration | None, variant: str) -> str | None:
    """Why a judge cannot carry a SHIP where `variant` is compared, and what mends it; None where it can."""
    if calibration is None:
        return "its judge is not calibrated: evalkit judge calibrate FILE --write, with labelled answers"
    if calibration.accuracy is None:
        return "its judge is calibrated, but without TPR and TNR: evalkit judge calibrate FILE --write again"
    rates = calibration.rates(variant)
    if rates is None:
        return (
            f"no labelled answer is of {variant}: label some of its answers "
            f'with "variant": "{variant}", and calibrate the judge again'
        )
    for rate, known, label in ((rates.tpr, "TPR", "pass"), (rates.tnr, "TNR", "fail")):
        if rate.n < 2:
            return (
                f"{rate.n} labelled answers of {variant} should {label}, so its judge's {known} "
                f"is not known there: label more that should {label}"
            )
    found = youden(rates)
    if found and found.interval.low < LEAST_YOUDEN:
        hope = "label more of its answers, or " if found.interval.high >= LEAST_YOUDEN else ""
        return f"its judge tells too little of {variant}: {_youden(found)}; {hope}name a better judge"
    return None


def _youden(found: Youden) -> str:
    low, high = found.interval.low, found.interval.high
    least = f"it must be shown to be {LEAST_YOUDEN:g}"
    return f"TPR + TNR - 1 is {found.value:.2f} ({low:.2f} to {high:.2f}), {least}"


def text_sha256(text: str) -> str:
    """In hex; a suite reads a rubric without the white space around it, so that does not count."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


def calibration_path(rubric: Path) -> Path:
    """`tone.md` -> `tone.calibration.json`, beside it."""
    return rubric.with_suffix(".calibration.json")


def read_calibration(rubric: Path) -> Calibration | None:
    """What is known of a rubric's judge; None if nothing, or nothing that can be read."""
    try:
        found = msgspec.json.decode(calibration_path(rubric).read_bytes(), type=Calibration)
        _check_counts(found)
    except (OSError, ValueError):
        return None
    return found


def write_calibration(rubric: Path, calibration: Calibration) -> Path:
    """Keep a calibration beside its rubric; gives the file.

    Raises:
        StorageError: it cannot be written.
    """
    path = calibration_path(rubric)
    try:
        write_whole(path, asdict(calibration))
    except OSError as fault:
        raise StorageError(
            f"{path}: cannot be written ({fault.strerror}); make the folder writable"
        ) from fault
    return path


def rubric_calibrations(
    suite: Suite, judge: str, fingerprint: str | None
) -> Iterable[tuple[str, Calibration | None]]:
    """The suite's rubric checks by name, each with the calibration that fits this judge and its text."""
    for named in suite.checks:
        if isinstance(named.check, Rubric):
            text, threshold = named.check.text, named.check.threshold
            found = read_calibration(text.path) if isinstance(text, FileText) else None
            yield named.name, found if found and found.fits(judge, fingerprint, text, threshold) else None
