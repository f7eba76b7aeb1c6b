"""Labelled answers: read strictly, and compared with what a judge said."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.checks.base import Grade
from evalkit.errors import InputError
from evalkit.run.judge.labelled import Labelled, agreement, read_labelled
from evalkit.stats import Rate
from evalkit.stats.correction import Accuracy


def test_lines_become_labelled_answers(tmp_path: Path) -> None:
    """Text and label are needed, question, source and variant are optional; blank lines are nothing."""
    file = tmp_path / "labels.jsonl"
    file.write_text(
        '{"text": "a", "label": "pass"}\n\n{"text": "b", "label": "fail", "question": "q", "source": "s"}\n'
        '{"text": "c", "label": "fail", "variant": "ft"}\n'
    )
    assert read_labelled(file) == (
        Labelled("a", True),
        Labelled("b", False, "q", "s"),
        Labelled("c", False, variant="ft"),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"labels.jsonl: is empty"),
        ('{"text": "a", "label": "pass"}\n{oops\n', r"labels.jsonl:2: found no JSON"),
        ('{"text": "a"}\n', r"labels.jsonl:1: write \{"),
        ('{"text": "a", "label": "pass", "lable": 1}\n', r"labels.jsonl:1: write \{"),
        ('["a", "pass"]\n', r"labels.jsonl:1: write \{"),
        ('{"text": 1, "label": "pass"}\n', r"labels.jsonl:1: text: found 1, write text"),
        ('{"text": "a", "label": "good"}\n', r"labels.jsonl:1: label: found 'good', write pass or fail"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    """File, line and field of the fault, and what to write."""
    file = tmp_path / "labels.jsonl"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        read_labelled(file)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    """Invalid UTF-8, like a missing file, is one message."""
    (tmp_path / "labels.jsonl").write_bytes(b"\xff\xfe")
    for name in ("labels.jsonl", "missing.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            read_labelled(tmp_path / name)


def test_agreement_leaves_out_what_could_not_be_read() -> None:
    """A null grade is neither right nor wrong: it is counted apart, with its reason."""
    labelled = [
        Labelled(text, passes) for text, passes in (("a", True), ("b", True), ("c", False), ("d", False))
    ]
    grades = [Grade(1.0, ""), Grade(0.5, ""), Grade(0.75, ""), Grade(None, "no JSON")]
    found = agreement(labelled, grades, 0.7)
    assert found.equal == Rate(1, 3)
    assert found.accuracy == Accuracy(Rate(1, 2), Rate(0, 1))
    assert found.unread == {"no JSON": 1}


def test_a_perfect_judge_has_kappa_1() -> None:
    """A grade at the threshold passes; equal verdicts throughout are full agreement."""
    labelled = [Labelled("a", True), Labelled("b", False)] * 20
    found = agreement(labelled, [Grade(0.7, ""), Grade(0.69, "")] * 20, 0.7)
    assert found.kappa is not None
    assert found.kappa.value == 1.0


def test_each_variant_has_rates_of_its_own() -> None:
    """Only labelled answers that a variant gave say how well the judge reads that variant."""
    labelled = [
        Labelled("a", True, variant="ft"),
        Labelled("b", False, variant="ft"),
        Labelled("c", True, variant="prompted"),
        Labelled("d", False),
    ]
    found = agreement(labelled, [Grade(1.0, "")] * 4, 0.7)
    assert found.accuracy == Accuracy(Rate(2, 2), Rate(0, 2))
    assert found.variants == {
        "ft": Accuracy(Rate(1, 1), Rate(0, 1)),
        "prompted": Accuracy(Rate(1, 1), Rate(0, 0)),
    }
