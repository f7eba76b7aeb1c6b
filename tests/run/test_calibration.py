"""A judge's calibration is kept beside its rubric, and trusted only for that very judge and rubric."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from evalkit.checks.base import FileText
from evalkit.checks.rubric import Rubric
from evalkit.errors import StorageError
from evalkit.run.calibration import (
    Calibration,
    calibration_path,
    read_calibration,
    rubric_calibrations,
    text_sha256,
    write_calibration,
)
from evalkit.suite.model import NamedCheck, Suite

RUBRIC = "Is it sarcastic?"
FOUND = Calibration("tiny-judge", "f1", text_sha256(RUBRIC), 0.7, 240, 0.9, 0.85, 0.95, "generated")


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


@pytest.mark.parametrize("damaged", ["", "{", "[]", '{"judge": "x"}', '{"colour": "red"}'])
def test_a_damaged_file_is_no_calibration(rubric: Path, damaged: str) -> None:
    """What cannot be read calibrates nothing."""
    calibration_path(rubric).write_text(damaged)
    assert read_calibration(rubric) is None


@pytest.mark.parametrize(
    ("judge", "fingerprint", "text", "fits"),
    [
        ("tiny-judge", "f1", RUBRIC, True),
        ("tiny-judge", None, RUBRIC, True),
        ("tiny-judge", "f2", RUBRIC, False),
        ("other-judge", "f1", RUBRIC, False),
        ("tiny-judge", "f1", "Is it polite?", False),
    ],
)
def test_another_judge_or_rubric_is_not_calibrated(
    judge: str, fingerprint: str, text: str, fits: bool
) -> None:
    """A new name, new weights or a new rubric text make an old calibration worthless."""
    assert FOUND.fits(judge, fingerprint, text) is fits


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
