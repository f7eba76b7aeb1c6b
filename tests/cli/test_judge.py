"""`evalkit judge calibrate`, with a real model as judge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main


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
    assert all(f"\n{word} " in shown for word in ("rubric", "answers", "agreement", "TPR", "TNR", "kappa"))
    kept = json.loads((labels.parent / "tone.calibration.json").read_text())
    assert (kept["judge"], kept["labels"], kept["threshold"]) == ("evalkit-tiny", "generated", 0.7)
    unread = sum(int(line.split()[1].rstrip(":")) for line in shown.splitlines() if line.startswith("unread"))
    assert kept["n"] + unread == 6


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
