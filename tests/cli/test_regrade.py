"""`evalkit regrade`: other checks on the same answers, with nothing asked."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalkit.cli import main
from tests.loopback import Loopback, refused, said, shouting
from tests.loopback import loopback as loopback
from tests.run.helpers import write_suite

WORDS = ("oslo", "rome", "lima")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with one suite, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    write_suite(tmp_path / "words", WORDS)
    return tmp_path


@pytest.fixture
def run(folder: Path, loopback: Loopback) -> Callable[..., int]:
    """`evalkit run words`, asking base and prompted; gives the exit code."""
    model = f"m@{loopback.base_url}"

    def command(*flags: str) -> int:
        assert folder == Path.cwd()
        return main(
            ["run", "words", "--base", model, "--variants", "base,prompted", "--no-gate", "-q", *flags]
        )

    return command


def newest(folder: Path) -> tuple[dict[str, Any], dict[tuple[str, str], dict[str, Any]]]:
    """run.json and the records, by case and variant, of the newest run."""
    at = folder / "reports" / "latest"
    lines = (at / "records.jsonl").read_text("utf-8").splitlines()
    records = {(record["case"], record["variant"]): record for record in map(json.loads, lines)}
    assert len(records) == len(lines)
    return json.loads((at / "run.json").read_text("utf-8")), records


def change(folder: Path, old: str, new: str) -> None:
    """Edit suite.yaml."""
    path = folder / "words" / "suite.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_changed_check_gives_new_verdicts_on_the_same_answers(
    folder: Path, loopback: Loopback, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """A new folder that names the old one; only verdicts differ; the old run stays; nothing is asked."""
    assert run() == 0
    old_info, old = newest(folder)
    old_folder = (folder / "reports" / "latest").resolve()
    change(folder, "- equals", "- regex: '^[A-Z]+$'\n    name: loud")
    loopback.asked.clear()
    capsys.readouterr()
    assert main(["regrade", "reports/latest"]) == 0
    shown = capsys.readouterr().out
    assert "words   3 cases" in shown
    assert f"The answers of {old_folder.name}, checked again." in shown
    info, new = newest(folder)
    assert loopback.asked == []
    assert (info["status"], info["regraded_from"]) == ("finished", f"reports/{old_folder.name}")
    assert info["plan"]["suites"] != old_info["plan"]["suites"]
    judged = {"verdicts", "passed"}
    for key, record in old.items():
        assert {name: value for name, value in new[key].items() if name not in judged} == {
            name: value for name, value in record.items() if name not in judged
        }
        assert [verdict["check"] for verdict in new[key]["verdicts"]] == ["loud"]
        assert new[key]["passed"] is (key[1] == "prompted")
    assert json.loads((old_folder / "run.json").read_text()) == old_info


def test_a_corrected_reference_counts_and_a_changed_question_does_not(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Answers to a question that is asked otherwise today are left out, as those to none: counted, listed."""
    assert run() == 0
    change(folder, "answer: OSLO", "answer: oslo")
    change(folder, "ask: rome", "ask: Roma")
    change(folder, "id: lima", "id: lima-2")
    assert main(["regrade", "reports/latest"]) == 0
    shown = capsys.readouterr()
    info, records = newest(folder)
    assert {key: record["passed"] for key, record in records.items()} == {
        ("oslo", "base"): True,
        ("oslo", "prompted"): False,
    }
    assert info["left_out"] == {
        "changed": {"records": 2, "cases": {"count": 1, "first": ["rome"]}},
        "vanished": {"records": 2, "cases": {"count": 1, "first": ["lima"]}},
    }
    assert "as their case, prompt or params have changed: 2 (cases: rome)" in shown.err
    assert "as the suite no longer has their case: 2 (cases: lima)" in shown.err
    assert "left out: 2 whose case has changed, 2 whose case has vanished" in " ".join(shown.out.split())


def test_another_prompt_leaves_only_the_variants_that_are_sent_it_out(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """Where nothing is left, no folder is made."""
    assert run() == 0
    change(folder, "Answer in capitals.", "Shout.")
    assert main(["regrade", "reports/latest"]) == 0
    _, records = newest(folder)
    assert {variant for _, variant in records} == {"base"}
    change(folder, "prompt:", "params: {temperature: 1}\nprompt:")
    before = len(list((folder / "reports").iterdir()))
    capsys.readouterr()
    assert main(["regrade", "reports/latest"]) == 5
    assert "nothing can be checked again: records left out, as their case" in capsys.readouterr().err
    assert len(list((folder / "reports").iterdir())) == before


def test_a_judge_is_asked_for_rubrics_alone_and_once(
    folder: Path, loopback: Loopback, run: Callable[..., int]
) -> None:
    """The judge of the run judges again; grades that it has given come from the cache."""

    def judging(body: Any) -> Any:
        grade = said(json.dumps({"reason": "loud", "score": 1}))
        return grade if body["model"] == "judge" else shouting(body)

    loopback.rule = judging
    change(folder, "- equals", "- rubric: {text: Is it loud?, threshold: 0.5}")
    judge = f"judge@{loopback.base_url}"
    assert run("--judge", judge) == 0
    before = newest(folder)[1]
    loopback.asked.clear()
    change(folder, "threshold: 0.5}", "threshold: 0.9}\n  - equals")
    assert main(["regrade", "reports/latest", "-q"]) == 0
    _, records = newest(folder)
    assert loopback.questions == []
    assert {record["judge"]["cached"] for record in records.values()} == {1}
    assert [len(record["verdicts"]) for record in records.values()] == [
        len(record["verdicts"]) + 1 for record in before.values()
    ]
    assert main(["regrade", "reports/latest", "-q", "--no-cache"]) == 0
    assert {body["model"] for body in loopback.questions} == {"judge"}


def test_cases_that_could_not_be_asked_stay_so(
    folder: Path, loopback: Loopback, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """An error is graded now as little as then; the exit code says so, and the run that asked goes on."""
    loopback.rule = lambda body: (
        refused(400, "bad") if body["messages"][-1]["content"] == "rome" else shouting(body)
    )
    assert run() == 12
    _, old = newest(folder)
    change(folder, "- equals", "- contains")
    assert main(["regrade", "reports/latest", "-q"]) == 12
    _, new = newest(folder)
    assert new["rome", "base"] == old["rome", "base"]
    assert new["rome", "base"]["error"]["type"] == "bad"
    assert "To go on: evalkit run --resume reports/2" in capsys.readouterr().out


def test_recorded_answers_are_regraded_without_their_file(folder: Path) -> None:
    """The run holds them; its suites may have moved."""
    lines = [{"case": word, "text": word.upper()} for word in WORDS]
    (folder / "a.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    assert main(["run", "words", "--responses", "a.jsonl", "-q"]) == 0
    (folder / "a.jsonl").unlink()
    (folder / "moved").mkdir()
    shutil.move(folder / "words", folder / "moved" / "words")
    assert main(["regrade", "reports/latest", "-q"]) == 4
    assert main(["regrade", "reports/latest", "moved", "-q"]) == 0
    _, records = newest(folder)
    assert {record["passed"] for record in records.values()} == {True}
    assert main(["regrade", "nowhere"]) == 4


def test_a_run_that_only_checked_again_is_not_gone_on_with(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """It has nothing to ask with: the run that asked goes on."""
    assert run("--max-cost", "none", "--limit", "2") == 0
    first = (folder / "reports" / "latest").resolve().name
    assert main(["regrade", "reports/latest"]) == 0
    shown = capsys.readouterr().out
    assert "not complete" not in shown
    assert main(["run", "--resume", "reports/latest"]) == 4
    assert f"go on with --resume reports/{first}" in capsys.readouterr().err
    assert main(["regrade", "reports/latest", "-q"]) == 0


@pytest.mark.slow
def test_what_a_run_may_have_been_charged_outlives_checking_again(
    folder: Path, loopback: Loopback, run: Callable[..., int]
) -> None:
    """What may have been billed for answers that never came whole is in the new run's account too."""
    torn = {"oslo"}
    loopback.rule = lambda body: (
        replace(shouting(body), cut=20) if body["messages"][-1]["content"] in torn else shouting(body)
    )
    assert run() == 12
    torn.clear()
    old, _ = newest(folder)
    assert old["status"] == "finished"
    latest = (folder / "reports" / "latest").resolve()
    assert main(["run", "--resume", str(latest), "-q"]) == 0
    assert main(["regrade", "reports/latest", "-q"]) == 0
    summary = json.loads((folder / "reports" / "latest" / "summary.json").read_text("utf-8"))
    billed = [row["possibly_billed"] for row in summary["suites"]["words"]["variants"].values()]
    assert billed == [5, 5]


def test_checking_again_costs_nothing(
    folder: Path, run: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    """The answers were paid for before: the progress line says so."""
    prices = '[[prices]]\nmodel = "m"\nin = 1000000\nout = 1000000\n'
    (folder / "evalkit.toml").write_text(prices, "utf-8")
    assert run("--max-cost", "none") == 0
    capsys.readouterr()
    assert main(["regrade", "reports/latest"]) == 0
    assert "$0.00" in capsys.readouterr().err
