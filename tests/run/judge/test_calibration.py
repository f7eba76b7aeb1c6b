"""A judge's calibration is kept beside its rubric, and trusted only for that very judge and rubric."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from evalkit.checks.base import FileText
from evalkit.checks.rubric import Rubric
from evalkit.errors import StorageError, UsageError
from evalkit.run.judge.calibration import (
    Calibration,
    calibration_path,
    cannot_carry,
    read_calibration,
    read_calibrations,
    rubric_calibrations,
    text_sha256,
    write_calibration,
)
from evalkit.run.judge.labelled import read_labelled
from evalkit.stats import Rate
from evalkit.stats.correction import Accuracy
from evalkit.suite.model import NamedCheck, Suite

MARV = Path(__file__).resolve().parents[3] / "suites/marv"
RUBRIC = "Is it sarcastic?"
FOUND = Calibration("tiny-judge", "f1", text_sha256(RUBRIC), 0.7, 240, 0.9, 0.85, 0.95, "generated")
WELL_READ = Accuracy(Rate(57, 60), Rate(55, 60))
BY_VARIANT = replace(FOUND, accuracy=WELL_READ, variants={"ft": WELL_READ})
IMPOSSIBLE = json.dumps(asdict(replace(FOUND, accuracy=Accuracy(Rate(3, 2), Rate(0, 1)))))


@pytest.fixture
def rubric(tmp_path: Path) -> Path:
    """A rubric's file."""
    path = tmp_path / "tone.md"
    path.write_text(RUBRIC)
    return path


def test_it_is_kept_beside_the_rubric(rubric: Path) -> None:
    """What is written is read again."""
    assert read_calibration(rubric) is None
    assert write_calibration(rubric, FOUND) == rubric.parent / "tone.calibration.json"
    assert read_calibration(rubric) == FOUND
    write_calibration(rubric, BY_VARIANT)
    assert read_calibration(rubric) == BY_VARIANT


def test_a_file_of_an_earlier_version_is_read(rubric: Path) -> None:
    """It has no rates: the judge is calibrated, but carries no SHIP."""
    old = {name: value for name, value in asdict(FOUND).items() if name not in ("accuracy", "variants")}
    calibration_path(rubric).write_text(json.dumps(old))
    found = read_calibration(rubric)
    assert found == FOUND
    assert "without TPR and TNR" in str(cannot_carry(found, "ft"))


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"judge": "x"}', '{"colour": "red"}', IMPOSSIBLE])
def test_a_damaged_file_is_no_calibration(rubric: Path, damaged: str) -> None:
    """What cannot be read calibrates nothing."""
    calibration_path(rubric).write_text(damaged)
    assert read_calibration(rubric) is None


@pytest.mark.parametrize(
    ("judge", "fingerprint", "text", "threshold", "fits"),
    [
        ("tiny-judge", "f1", RUBRIC, 0.7, True),
        ("tiny-judge", None, RUBRIC, 0.7, True),
        ("tiny-judge", "f2", RUBRIC, 0.7, False),
        ("other-judge", "f1", RUBRIC, 0.7, False),
        ("tiny-judge", "f1", "Is it polite?", 0.7, False),
        ("tiny-judge", "f1", RUBRIC, 0.5, False),
    ],
)
def test_another_judge_or_rubric_is_not_calibrated(
    judge: str, fingerprint: str, text: str, threshold: float, fits: bool
) -> None:
    """A new name, weights, rubric or threshold make an old calibration worthless."""
    assert FOUND.fits(judge, fingerprint, text, threshold) is fits


def test_rubric_checks_are_found_with_their_calibration(rubric: Path) -> None:
    """Each rubric check of a suite by name; a rubric without a file, or a changed one, has none."""
    write_calibration(rubric, FOUND)
    checks = (
        NamedCheck("tone", "property", Rubric(FileText(RUBRIC, rubric))),
        NamedCheck("changed", "property", Rubric(FileText("Is it polite?", rubric))),
        NamedCheck("inline", "property", Rubric(RUBRIC)),
    )
    suite = Suite("s", rubric.parent, (), checks)
    found = dict(rubric_calibrations(suite, "tiny-judge", "f1"))
    assert found == {"tone": FOUND, "changed": None, "inline": None}


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    """The message names the file."""
    with pytest.raises(StorageError, match=r"tone\.calibration\.json: cannot be written"):
        write_calibration(tmp_path / "gone" / "tone.md", replace(FOUND, n=1))


def test_white_space_around_a_rubric_changes_nothing() -> None:
    """The command reads the file with its last line end, a suite without: both mean the same rubric."""
    assert text_sha256("Is it kind?\n") == text_sha256("Is it kind?")


@pytest.mark.parametrize(
    ("calibration", "why"),
    [
        (None, "is not calibrated: evalkit judge calibrate FILE --write"),
        (FOUND, "without TPR and TNR: evalkit judge calibrate FILE --write again"),
        (
            replace(BY_VARIANT, variants={"prompted": WELL_READ}),
            'no labelled answer is of ft: .*"variant": "ft"',
        ),
        (
            replace(BY_VARIANT, variants={"ft": Accuracy(Rate(60, 60), Rate(0, 0))}),
            "0 labelled answers of ft should fail, so its judge's TNR is not known",
        ),
        (
            replace(BY_VARIANT, variants={"ft": Accuracy(Rate(8, 10), Rate(9, 10))}),
            r"TPR \+ TNR - 1 is 0.70 \(0.27 to 0.87\), it must be shown to be 0.5",
        ),
    ],
)
def test_why_a_judge_cannot_carry_a_ship(calibration: Calibration | None, why: str) -> None:
    """Each reason says what is missing, and what mends it."""
    assert re.search(why, str(cannot_carry(calibration, "ft")))


def test_a_judge_that_reads_a_variant_well_can_carry_a_ship() -> None:
    """95% and 92% on 60 answers each: TPR + TNR - 1 is at least 0.75."""
    assert cannot_carry(BY_VARIANT, "ft") is None


def test_a_runs_calibrations_are_read_back() -> None:
    """run.json holds them as they were; what was damaged there is said."""
    info = {"calibrations": {"marv": {"tone": json.loads(json.dumps(asdict(BY_VARIANT))), "wit": None}}}
    assert read_calibrations(info) == {"marv": {"tone": BY_VARIANT, "wit": None}}
    for damaged in ({"tone": {"judge": 1}}, {"tone": json.loads(IMPOSSIBLE)}):
        with pytest.raises(UsageError, match=r"run\.json: calibrations"):
            read_calibrations({"calibrations": {"marv": damaged}})


def test_the_shipped_judge_carries_no_ship() -> None:
    """The labelled answers of both variants show why: none fails, or hardly any that fails is recognised."""
    found = read_calibration(MARV / "tone.md")
    assert found is not None
    assert "0 labelled answers of ft should fail" in str(cannot_carry(found, "ft"))
    assert "tells too little of prompted" in str(cannot_carry(found, "prompted"))


def test_the_shipped_calibration_counts_the_shipped_labels() -> None:
    """All answers of both files could be read, so none is missing from its counts."""
    found = read_calibration(MARV / "tone.md")
    labelled = [*read_labelled(MARV / "tone.labelled.jsonl"), *read_labelled(MARV / "tone.answers.jsonl")]
    labels = Counter((each.variant, each.passes) for each in labelled)
    assert found is not None
    assert found.n == len(labelled)
    for variant, rates in found.variants.items():
        assert (rates.tpr.n, rates.tnr.n) == (labels[variant, True], labels[variant, False])
