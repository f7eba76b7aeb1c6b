"""`evalkit dataset build`, from a run of a real model to a model that has learned from it."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import pytest
from openai import OpenAI

from evalkit.cli import main

pytestmark = pytest.mark.usefixtures("here")

SUITES = Path(__file__).resolve().parents[3] / "suites"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, local_server: str) -> Path:
    """A working folder with a run of twenty cases of a shipped suite, with the long prompt and without."""
    made = tmp_path_factory.mktemp("build")
    shutil.copytree(SUITES / "terse", made / "terse")
    model = f"evalkit-tiny@{local_server}"
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(made)
        flags = ["--limit", "20", "--no-gate", "--variants", "base,prompted", "-q"]
        assert main(["run", "terse", "--base", model, *flags]) == 0
    return made


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder, with nothing built and the suite as it was."""
    monkeypatch.chdir(folder)
    for file in folder.glob("*.jsonl*"):
        file.unlink()
    shutil.rmtree("terse")
    shutil.copytree(SUITES / "terse", "terse")


def lines(file: str) -> list[dict[str, object]]:
    """The lines of a file that was built."""
    return [json.loads(line) for line in Path(file).read_text("utf-8").splitlines()]


@pytest.mark.slow
def test_a_model_learns_from_the_answers_of_another(
    local_server: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The article's distillation: run with the long prompt, build, check, train, ask without it."""
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "taught.jsonl"]) == 0
    told = capsys.readouterr()
    built = lines("taught.jsonl")
    assert len(built) >= 10
    assert f"{len(built)} of 128 cases of terse are no longer held out" in told.err
    assert all([turn["role"] for turn in line["messages"]] == ["user", "assistant"] for line in built)  # type: ignore[attr-defined]
    assert main(["dataset", "check", "taught.jsonl"]) == 0
    assert main(["dataset", "leaks", "taught.jsonl", "terse", "--strict"]) == 1
    client = OpenAI(base_url=local_server, api_key="none")
    file = client.files.create(file=Path("taught.jsonl"), purpose="fine-tune")
    once = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 1}}}
    job = client.fine_tuning.jobs.create(model="evalkit-tiny", training_file=file.id, method=once)  # type: ignore[arg-type]
    while job.status not in ("succeeded", "failed", "cancelled"):
        time.sleep(0.2)
        job = client.fine_tuning.jobs.retrieve(job.id)
    assert job.fine_tuned_model
    asked = [{"role": "user", "content": "What is the capital of France?"}]
    answer = client.chat.completions.create(model=job.fine_tuned_model, messages=asked, max_tokens=40)  # type: ignore[arg-type,call-overload]
    assert answer.choices[0].message.content


def test_failed_cases_are_written_to_be_corrected_and_taken_out(capsys: pytest.CaptureFixture[str]) -> None:
    """References as answers, a sheet that tells why each failed, and the cases moved out of the suite."""
    flags = ["--failed", "--variant", "base", "--out", "mend.jsonl", "--take-out"]
    before = Path("terse/cases.jsonl").read_text("utf-8").splitlines()
    assert main(["dataset", "build", "reports/latest", *flags]) == 0
    built = lines("mend.jsonl")
    sheet = Path("mend.jsonl.md").read_text("utf-8")
    assert sheet.count("## Line ") == len(built) > 0
    assert "Failed:\n\n- short: `" in sheet
    left = Path("terse/cases.jsonl").read_text("utf-8").splitlines()
    aside = Path("terse/cases.taken-out.jsonl").read_text("utf-8").splitlines()
    assert sorted(left + aside) == sorted(before)
    assert len(aside) == len(built)
    assert f"moved {len(built)} cases" in capsys.readouterr().out
    assert main(["dataset", "leaks", "mend.jsonl", "terse", "--strict"]) == 0


def test_what_was_taken_out_is_left_out_of_a_second_file(capsys: pytest.CaptureFixture[str]) -> None:
    """The run goes on to be of use: only the cases that the suite still has are built from."""
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "a.jsonl", "--take-out"]) == 0
    capsys.readouterr()
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "b.jsonl"]) == 5
    assert "is of a case that the suite no longer has" in capsys.readouterr().out
    assert not Path("b.jsonl").exists()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["reports/none", "--passed"], "no run there"),
        (["reports/latest", "--passed", "--variant", "ft"], "name one of base, prompted"),
        (["reports/latest", "--passed", "--suite", "marv"], "terse"),
        (["reports/latest"], "--passed"),
    ],
)
def test_what_cannot_be_built_is_refused(
    capsys: pytest.CaptureFixture[str], flags: list[str], said: str
) -> None:
    """Exit 4, with what there is instead; nothing is written."""
    assert main(["dataset", "build", *flags, "--out", "x.jsonl"]) == 4
    assert said in capsys.readouterr().err
    assert not Path("x.jsonl").exists()


def test_a_file_is_not_overwritten_unasked() -> None:
    """A built file may have been corrected by hand."""
    Path("x.jsonl").write_text("mine")
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "x.jsonl"]) == 4
    assert Path("x.jsonl").read_text() == "mine"
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "x.jsonl", "--force"]) == 0


def test_cases_that_cannot_be_taken_out_are_refused_before_anything_is_written(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Cases in suite.yaml stay there, and no file is built that would count on it."""
    cases = [json.loads(line) for line in Path("terse/cases.jsonl").read_text("utf-8").splitlines()]
    yaml = Path("terse/suite.yaml").read_text("utf-8")
    Path("terse/suite.yaml").write_text(yaml.replace("cases: cases.jsonl", f"cases: {json.dumps(cases)}"))
    assert main(["dataset", "build", "reports/latest", "--passed", "--out", "x.jsonl", "--take-out"]) == 4
    assert "cases.jsonl" in capsys.readouterr().err
    assert not Path("x.jsonl").exists()
