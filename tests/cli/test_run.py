"""`evalkit run` from the shell's side: a suite from scratch, a real server, what is printed and kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from evalkit.cli import main
from evalkit.cli.exit_codes import Exit
from evalkit.report.summary import schema

SUITE = """\
prompt: Answer with the city's name only.
params: {temperature: 0, max_tokens: 20}
cases:
  - {id: norway, ask: What is the capital of Norway?, answer: Oslo, tags: [north]}
  - {id: france, ask: What is the capital of France?, answer: Paris}
  - {id: japan, ask: What is the capital of Japan?, answer: Tokyo}
checks:
  - equals
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder with one small suite, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "cities").mkdir()
    (tmp_path / "cities" / "suite.yaml").write_text(SUITE)
    return tmp_path


@pytest.fixture
def flags(local_server: str) -> list[str]:
    """The embedded server, named as any other OpenAI-compatible one would be; ft is the base once more."""
    model = f"evalkit-tiny@{local_server}"
    return ["--base", model, "--ft", model]


def records(folder: Path) -> list[dict[str, Any]]:
    """The newest run's records."""
    text = (folder / "reports" / "latest" / "records.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def verdicts(folder: Path) -> dict[tuple[str, str], list[Any]]:
    """What each check said, by case and variant."""
    return {(record["case"], record["variant"]): record["verdicts"] for record in records(folder)}


def test_a_suite_of_a_few_lines_runs_against_any_server_by_flags(
    folder: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Heading, table, decision, failures and notes are printed; the run's folder has every file; three cases
    decide nothing, which is said before anything is asked, and by the exit code."""
    assert main(["run", "cities", *flags]) == Exit.INCONCLUSIVE
    shown = capsys.readouterr().out
    assert "plan" in shown.split("\n\n")[0]
    assert "9 requests" in shown
    assert "\ncities   3 cases" in shown
    assert "needs at least 59 cases, has 3" in shown.split("\n\n")[0]
    assert "\nINCONCLUSIVE  ft " in shown
    run = folder / "reports" / "latest"
    assert {path.name for path in run.iterdir()} == {
        "run.json", "records.jsonl", "report.md", "report.csv", "report.html", "junit.xml", "summary.json",
    }  # fmt: skip
    summary = json.loads((run / "summary.json").read_text())
    jsonschema.validate(summary, schema())
    variants = summary["suites"]["cities"]["variants"]
    assert list(variants) == ["base", "prompted", "ft"]
    assert variants["base"]["prompt_tokens"] < variants["prompted"]["prompt_tokens"]
    assert len(records(folder)) == 9


def test_the_same_command_twice_gives_the_same_verdicts(folder: Path, flags: list[str]) -> None:
    """Asked anew, or answered from the cache: the verdicts are the same, and the cache asks nothing."""
    main(["run", "cities", *flags, "-q"])
    first = verdicts(folder)
    main(["run", "cities", *flags, "-q"])
    assert verdicts(folder) == first
    assert all(record["cached"] for record in records(folder))
    main(["run", "cities", *flags, "-q", "--no-cache"])
    assert verdicts(folder) == first
    assert not any(record["cached"] for record in records(folder))


@pytest.mark.parametrize(
    ("chosen", "asked"),
    [
        (["-k", "france or japan"], {"france", "japan"}),
        (["-m", "north"], {"norway"}),
        (["--variants", "base", "-k", "not france"], {"norway", "japan"}),
    ],
)
def test_part_of_a_suite_can_be_asked(
    folder: Path, flags: list[str], chosen: list[str], asked: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """-k and -m choose cases, --variants who is asked; the report says that the run was partial."""
    assert main(["run", "cities", *flags, *chosen]) == 0
    assert {record["case"] for record in records(folder)} == asked
    assert "Partial run" in capsys.readouterr().out


def test_limit_draws_by_the_seed(folder: Path, flags: list[str]) -> None:
    """--limit takes so many cases of each suite, the same for the same seed."""
    main(["run", "cities", *flags, "--limit", "2", "-q"])
    first = {record["case"] for record in records(folder)}
    main(["run", "cities", *flags, "--limit", "2", "-q"])
    assert {record["case"] for record in records(folder)} == first
    assert len(first) == 2


def test_collect_only_lists_and_asks_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--collect-only prints the cases' names; nothing is asked, nothing is written."""
    assert main(["run", "cities", "--no-gate", "--collect-only"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("cities::norway\ncities::france\ncities::japan\n")
    assert "3 cases, to be asked as base, prompted" in shown
    assert not (folder / "reports").exists()
    assert not (folder / ".evalkit").exists()


def test_dry_run_estimates_and_asks_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--dry-run prints requests, tokens and cost; it needs no key, and nothing is sent."""
    model = "gpt-4.1-mini"
    assert main(["run", "cities", "--base", model, "--ft", f"ft:{model}:me::x1", "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "OPENAI_API_KEY" in shown
    assert "9 requests, about " in shown
    assert "cap $5.00" in shown
    assert "cache" not in shown
    assert not (folder / "reports").exists()


def test_a_dry_run_says_that_it_knows_nothing_of_the_cache(
    folder: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """What was answered before is not asked again: the estimate is of the whole run all the same."""
    main(["run", "cities", *flags])
    capsys.readouterr()
    assert main(["run", "cities", *flags, "--dry-run"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("is not asked again, and costs nothing.")
    assert len(list((folder / "reports").glob("2*"))) == 1


@pytest.mark.parametrize(
    ("argv", "code", "message"),
    [
        (["cities", "-k", "nowhere"], 5, "none of 3 cases"),
        (["empty"], 5, "empty"),
        (["cities"], 4, "no `train:` to learn from; add --ft"),
        (["cities", "--ft", "x@http://127.0.0.1:9/v1"], 4, "--ft is remote, base is not named; add --base"),
        (["cities", "--variants", "bsae"], 4, "unknown variant 'bsae', did you mean base?"),
        (["cities", "--no-gate", "--base", "x@http://127.0.0.1:9/v1"], 4, "is a server running there?"),
        (["cities", "--resume", "nowhere"], 4, "--resume goes on with the flags of that run"),
        (["--resume", "nowhere"], 4, "no run there"),
        (["broken"], 4, "broken/suite.yaml:2"),
    ],
)
def test_what_cannot_be_used_is_said(
    folder: Path, argv: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One message with what was found and how to mend it, the designed exit code, and no run left behind."""
    (folder / "empty").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "suite.yaml").write_text("prompt: Answer.\nchecks: [is-json]\ncases: [{ask: a}]\n")
    assert main(["run", *argv]) == code
    written = capsys.readouterr()
    assert message in written.err
    assert "Traceback" not in written.err
    assert not (folder / "reports" / "latest").exists()


@pytest.mark.usefixtures("folder")
def test_an_unknown_model_is_named_before_anything_is_asked(
    local_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A model that the server does not have ends the run at once, with what it has."""
    assert main(["run", "cities", "--no-gate", "--base", f"evalkit-tony@{local_server}"]) == 4
    assert "did you mean evalkit-tiny?" in capsys.readouterr().err


def test_a_report_that_cannot_be_written_is_an_error(folder: Path, flags: list[str]) -> None:
    """Where runs cannot be kept, nothing is asked: exit code 4, and a message with the path."""
    (folder / "reports").write_text("in the way")
    found = subprocess.run(
        [sys.executable, "-m", "evalkit", "run", "cities", *flags],
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 4
    assert "reports" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_complete_run_can_be_gone_on_with(folder: Path, flags: list[str]) -> None:
    """Where nothing is left to ask, --resume asks nothing and reports anew."""
    main(["run", "cities", *flags, "-q"])
    before = records(folder)
    (folder / "reports" / "latest" / "report.md").unlink()
    assert main(["run", "--resume", "reports/latest"]) == Exit.INCONCLUSIVE
    assert records(folder) == before
    assert (folder / "reports" / "latest" / "report.md").exists()


@pytest.mark.slow
def test_ctrl_c_leaves_a_run_that_can_be_gone_on_with(folder: Path, flags: list[str]) -> None:
    """An interrupt ends with exit code 2 and says how to go on; the resumed run asks only what is left."""
    lines = [f'{{"id": "c{n}", "ask": "Tell me about the number {n}.", "answer": "{n}"}}' for n in range(150)]
    (folder / "cities" / "cases.jsonl").write_text("\n".join(lines))
    suite = SUITE.split("cases:")[0] + "cases: cases.jsonl\nchecks: [equals]\n"
    (folder / "cities" / "suite.yaml").write_text(suite)
    command = [sys.executable, "-m", "evalkit", "run", "cities", *flags, "-n", "4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        written = folder / "reports" / "latest" / "records.jsonl"
        while running.poll() is None and not (written.exists() and written.stat().st_size > 10_000):
            time.sleep(0.05)
        running.send_signal(signal.SIGINT)
        shown, _ = running.communicate(timeout=60)
    assert running.returncode == 2
    assert "Interrupted. To go on: evalkit run --resume reports/" in shown
    before = records(folder)
    assert 0 < len(before) < 450
    run = shown.rsplit(maxsplit=1)[-1]
    assert main(["run", "--resume", run, "-n", "16", "-q"]) == 0
    after = records(folder)
    assert after[: len(before)] == before
    assert len({(record["case"], record["variant"]) for record in after}) == len(after) == 450


@pytest.mark.slow
def test_the_shipped_suites_run_on_nothing_but_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With no flags at all, models are fine-tuned on the spot and compared, on this machine alone."""
    suites = Path(__file__).resolve().parents[2] / "suites"
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(suites), "--limit", "2"]) == 0
    shown = capsys.readouterr().out
    assert f"{len(list(suites.iterdir()))} fine-tunes of evalkit-tiny" in shown
    assert "Embedded model: 2.4M parameters" in shown
    assert "marv sarcastic: judge evalkit-tiny-judge agrees with" in shown
    assert {record["variant"] for record in records(tmp_path)} == {"base", "prompted", "ft"}
    assert not any(record["error"] for record in records(tmp_path))
