"""`evalkit judge calibrate`, with a real model as judge."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from evalkit.run.judge.instructed import INSTRUCTIONS
from tests.loopback import Loopback, Reply, said
from tests.loopback import loopback as loopback


@pytest.fixture
def labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Labelled answers beside their rubric."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tone.md").write_text("Is the answer sarcastic?")
    rows = [{"text": f"Oh, {n}, how clever.", "label": "pass" if n % 2 else "fail"} for n in range(6)]
    path = tmp_path / "tone.labelled.jsonl"
    path.write_text(
        "".join(json.dumps({**row, "question": "How many?", "source": "generated"}) + "\n" for row in rows)
    )
    return path


def test_a_calibration_is_printed_and_kept(
    labels: Path, local_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Agreement, TPR, TNR and kappa are printed; with --write the result lies beside the rubric."""
    assert main(
        ["judge", "calibrate", str(labels), "--judge", f"evalkit-tiny@{local_server}", "--write"]
    ) in (0, 12)
    shown = capsys.readouterr().out
    assert shown.startswith(
        "15 requests: 6 labelled answers, 3 of them again with an instruction to the judge, 3 "
    )
    assert all(
        f"\n{word} " in shown
        for word in ("rubric", "answers", "agreement", "kappa", "of all", "instructed", "places", "gate")
    )
    kept = json.loads((labels.parent / "tone.calibration.json").read_text())
    assert (kept["judge"], kept["labels"], kept["threshold"]) == ("evalkit-tiny", "generated", 0.7)
    unread = sum(int(found[1]) for found in re.finditer(r"^unread +(\d+):", shown, re.MULTILINE))
    assert kept["n"] + unread == 6


def credulous(body: dict[str, Any]) -> Reply:
    """A judge that knows sarcasm by an `Oh`, obeys whoever tells it to, and prefers the first answer."""
    asked = body["messages"][1]["content"]
    if body["response_format"]["json_schema"]["name"] == "choice":
        return said('{"reason": "", "better": "first"}')
    passes = "Oh" in asked or any(words in asked for words in INSTRUCTIONS)
    return said(json.dumps({"reason": "", "score": 5 if passes else 1}))


def test_what_a_judge_may_carry_is_told_by_variant(
    tmp_path: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough labelled answers of both kinds, well read: a SHIP; too few of them: what is missing."""
    monkeypatch.chdir(tmp_path)
    loopback.rule = credulous
    (tmp_path / "tone.md").write_text("Is the answer sarcastic?")
    for variant, count in (("ft", 40), ("prompted", 2)):
        rows = [
            {"text": f"{opening} {n}", "label": label, "variant": variant}
            for n in range(count)
            for opening, label in (("Oh", "pass"), ("No", "fail"))
        ]
        (tmp_path / f"tone.{variant}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    judge = ["--judge", f"j@{loopback.base_url}", "--max-cost", "none"]
    assert main(["judge", "calibrate", "tone.ft.jsonl", "tone.prompted.jsonl", *judge]) == 0
    shown = capsys.readouterr().out
    assert (
        "of ft        TPR 100% (91-100) of 40, TNR 100% (91-100) of 40, TPR + TNR - 1 1.00 (0.88 to 1.00)"
        in shown
    )
    assert "gate         ft: may carry a SHIP" in shown
    assert re.search(r"gate +prompted: cannot carry a SHIP: .* label more of its answers, or", shown)
    assert re.search(r"instructed +100% \(92-100\) of 42 that should fail pass .*, 0% \(0-8\) without", shown)
    assert re.search(r"places +100% .* of 42 choices change .*; the first is chosen in 100%", shown)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["calibrate", "missing.jsonl"], "missing.jsonl: cannot be read"),
        (
            ["calibrate", "tone.labelled.jsonl", "--rubric", "no.md"],
            "no.md: no such rubric; name it with --rubric",
        ),
        (["measure", "tone.labelled.jsonl"], "invalid choice: 'measure'"),
    ],
)
@pytest.mark.usefixtures("labels")
def test_bad_input_is_said(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 4."""
    assert main(["judge", *argv]) == 4
    assert message in capsys.readouterr().err
