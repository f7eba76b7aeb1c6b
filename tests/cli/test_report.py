"""`evalkit report`: the figures of a run, from its records alone, on stdout."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from evalkit.cli import main
from evalkit.report.summary import schema
from tests.loopback import Loopback
from tests.loopback import loopback as loopback
from tests.run.helpers import config_for, run_in, write_suite


@pytest.fixture
def run(tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of 8 cases and 3 variants under reports/, which lies in the working folder."""
    monkeypatch.chdir(tmp_path)
    outcome, _ = run_in(Path(), write_suite(Path("cities")), config_for(Path(), loopback))
    return outcome.folder


def shown(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """What the command prints."""
    assert main(["report", *argv]) == 0
    return capsys.readouterr().out


def test_the_newest_run_is_shown(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without arguments: who was asked, the table, the failures and the notes, as `run` prints them."""
    text = shown(capsys)
    assert text == shown(capsys, str(run))
    assert text.startswith("base, prompted  plain  127.0.0.1:")
    assert "plan            24 requests" in text
    assert "\ncities   8 cases" in text
    assert "To go on" not in text
    assert not (run / "report.md").exists()


def test_details_are_told_on_demand(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """-v adds a rate for each check, -q leaves the list of failures out."""
    assert "check " in shown(capsys, str(run), "-v")
    assert "got:" in shown(capsys, "-v", "reports/latest")
    assert "got:" not in shown(capsys, "-q")


@pytest.mark.usefixtures("run")
def test_the_other_formats_are_the_files(capsys: pytest.CaptureFixture[str]) -> None:
    """Markdown, CSV and JSON as they stand in a run's folder."""
    assert shown(capsys, "--format", "markdown").startswith("# Run ")
    found = json.loads(shown(capsys, "--format", "json"))
    jsonschema.validate(found, schema())
    rows = list(csv.DictReader(io.StringIO(shown(capsys, "--format", "csv"))))
    assert [(row["suite"], row["variant"]) for row in rows] == [
        (suite, variant) for suite in ("cities", "(all)") for variant in ("base", "prompted", "ft")
    ]
    assert float(rows[0]["pass_rate"]) == found["suites"]["cities"]["variants"]["base"]["pass_rate"]
    assert int(rows[0]["planned"]) == 8


def test_a_killed_run_can_be_reported(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What a kill leaves, half a line included: the figures of the rest, what is missing, and the way on."""
    info = json.loads((run / "run.json").read_text()) | {"status": "running"}
    (run / "run.json").write_text(json.dumps(info))
    lines = (run / "records.jsonl").read_bytes().splitlines(keepends=True)
    (run / "records.jsonl").write_bytes(b"".join(lines[:9]) + lines[9][:-30])
    text = shown(capsys)
    assert "This run is not complete (killed): 15 of 24 records are missing" in text
    assert "cities, not asked: " in text
    assert text.endswith(f"To go on: evalkit run --resume {run}\n")
    in_markdown = shown(capsys, "--format", "markdown").replace("\\", "")
    assert f"- To go on: evalkit run --resume {run}.\n" in in_markdown
    (run / "records.jsonl").unlink()
    assert "No records yet." in shown(capsys)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "reports: no run there yet; evalkit run makes one, or name a run's folder"),
        (["nowhere"], "nowhere: no run there"),
        (["--format", "pdf"], "invalid choice: 'pdf'"),
    ],
)
def test_what_cannot_be_used_is_said(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    message: str,
) -> None:
    """Exit code 4, and what to do."""
    monkeypatch.chdir(tmp_path)
    assert main(["report", *argv]) == 4
    assert message in capsys.readouterr().err
