"""How well a judge agrees with labelled answers: `evalkit judge calibrate` measures it, and keeps it here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from evalkit.checks.base import FileText
from evalkit.checks.rubric import Rubric
from evalkit.errors import StorageError
from evalkit.run.store import write_whole
from evalkit.stats.correction import Trust
from evalkit.suite.model import Suite

LEAST_YOUDEN = 0.5
"""Of TPR + TNR - 1, the least lower bound of a judge that may carry a SHIP."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Cohen's kappa of one judge against labels, under one rubric.

    Attributes:
        judge: the model's name. `fingerprint`: of its weights and adapter, where its endpoint tells it.
        rubric_sha256: of the rubric's text.
        threshold: the score from which an answer passes.
        n: labelled answers that the judge could read.
        kappa, low, high: with the 95% interval; None where every label, and every grade, is the same.
        labels: `human`, or `generated` where a program wrote them.
        by_variant: of the answers that are labelled with the variant that gave them; a correction needs the
            judge's errors on answers of that very kind.
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
    by_variant: Mapping[str, Trust] = field(default_factory=dict)

    def carries(self, variant: str) -> str | None:
        """Why this judge cannot carry a SHIP that hangs on a variant's answers; None where it can."""
        trust = self.by_variant.get(variant)
        if trust is None:
            return f"its judge is not calibrated on answers of {variant}: label some with that variant"
        interval = trust.youden_interval()
        if interval is None:
            kind = "pass" if trust.tpr.n < 2 else "fail"
            few = f"fewer than two of {variant}'s labelled answers should {kind}"
            return f"{few}, so the errors of its judge are unknown"
        if interval.low < LEAST_YOUDEN:
            return (
                f"TPR + TNR - 1 of its judge on answers of {variant} may be as low as {interval.low:.2f}, "
                f"under {LEAST_YOUDEN}: label more, mend the rubric, or take another judge"
            )
        return None

    def fits(self, judge: str, fingerprint: str | None, rubric: str) -> bool:
        """Whether it was measured with this very judge and this very rubric."""
        same_weights = None in (fingerprint, self.fingerprint) or fingerprint == self.fingerprint
        return self.judge == judge and same_weights and self.rubric_sha256 == text_sha256(rubric)


def text_sha256(text: str) -> str:
    """In hex; a suite reads a rubric without the white space around it, so that does not count."""
    return hashlib.sha256(text.strip().encode()).hexdigest()


def calibration_path(rubric: Path) -> Path:
    """`tone.md` -> `tone.calibration.json`, beside it."""
    return rubric.with_suffix(".calibration.json")


def read_calibration(rubric: Path) -> Calibration | None:
    """What is known of a rubric's judge; None if nothing, or nothing that can be read."""
    try:
        return calibration_of(json.loads(calibration_path(rubric).read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def calibration_of(kept: Mapping[str, Any]) -> Calibration:
    """The same from JSON, as a rubric's file or run.json has it.

    Raises:
        ValueError: it is not of that shape.
    """
    return msgspec.convert(kept, Calibration)


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
            text = named.check.text
            found = read_calibration(text.path) if isinstance(text, FileText) else None
            yield named.name, found if found and found.fits(judge, fingerprint, text) else None
