"""`evalkit tune` from the shell's side, on a real server and on a platform that closes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalkit.cli import main
from evalkit.config.lock import read_lock
from tests.local.serving import Server
from tests.tune.platform import Platform, serving

SUITE = """
prompt: Answer in capitals.
cases: [{ask: oslo, answer: OSLO}]
train: train.jsonl
checks: [equals]
"""


@pytest.fixture
def platform() -> Iterator[Platform]:
    """What only OpenAI does."""
    with serving() as platform:
        yield platform


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a suite of ten training lines, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    suite = tmp_path / "words"
    suite.mkdir()
    (suite / "suite.yaml").write_text(SUITE, "utf-8")
    lines = [{"ask": f"word{number}", "answer": f"WORD{number}"} for number in range(10)]
    (suite / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return tmp_path


def start(server: str, *more: str, model: str = "evalkit-tiny") -> int:
    """`evalkit tune start words` at a server."""
    return main(["tune", "start", "words", "--model", model, "--base-url", server, *more])


def test_a_job_is_started_waited_for_and_found_again(
    folder: Path, small_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its model is noted and has answered; its folder is whole; the same command pays nothing again."""
    told = folder / "told"
    code = f"import os; open({str(told)!r}, 'w').write(os.environ['EVALKIT_STATUS'])"
    flags = ["--wait", "--epochs", "2", "--notify", f'{sys.executable} -c "{code}"']
    assert start(small_server.base_url, *flags) == 0
    (entry,) = read_lock(folder)
    shown = capsys.readouterr()
    assert "cost" not in shown.err
    assert entry.model is not None
    assert entry.model in shown.out
    assert "yes, it has answered" in shown.out
    assert (entry.status, entry.hyperparameters["n_epochs"], entry.source) == ("succeeded", 2, "words")
    assert (entry.systems, entry.system) == (1, None)
    assert told.read_text() == "succeeded"
    kept = folder / "reports" / f"tune-{entry.job}"
    assert {"job.json", "events.jsonl", "loss.svg"} <= {path.name for path in kept.iterdir()}
    assert start(small_server.base_url, "--epochs", "2") == 0
    assert "nothing is paid again" in capsys.readouterr().out
    assert [each.job for each in read_lock(folder)] == [entry.job]


def test_jobs_are_shown_by_the_newest_in_the_lock(
    folder: Path, small_server: Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """No JOB need be named, nor where it is; tables stay within 100 columns, --json is for programs."""
    assert start(small_server.base_url, "--wait", "--epochs", "1") == 0
    (entry,) = read_lock(folder)
    capsys.readouterr()
    assert main(["tune", "show"]) == 0
    shown = capsys.readouterr().out
    assert entry.job in shown
    assert entry.data_sha256 in shown
    assert main(["tune", "show", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fine_tuned_model"] == entry.model
    assert main(["tune", "events"]) == 0
    history = capsys.readouterr().out.splitlines()
    assert "Created fine-tuning job" in history[0]
    assert main(["tune", "list", "--base-url", small_server.base_url]) == 0
    listed = capsys.readouterr().out
    assert entry.job in listed
    assert max(map(len, listed.splitlines())) <= 100
    assert main(["tune", "watch"]) == 0
    assert "succeeded" in capsys.readouterr().out


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_a_job_that_comes_to_nothing_is_exit_1(
    folder: Path, platform: Platform, status: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the server's reason; the lock knows that there is no model."""
    platform.ends_as = (status, {"code": "bad_data", "message": "line 3 says nothing"})
    assert start(platform.base_url, "--wait", model="gpt-x") == 1
    assert "bad_data: line 3 says nothing" in capsys.readouterr().out
    (entry,) = read_lock(folder)
    assert (entry.status, entry.model) == (status, None)


def test_data_that_cannot_be_trained_on_is_never_uploaded(
    folder: Path, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4, with file, line and what to write."""
    bad = folder / "bad.jsonl"
    bad.write_text('{"messages": [{"role": "user", "content": "hi"}]}\n{"messages": \n')
    flags = ["--model", "gpt-x", "--base-url", platform.base_url]
    assert main(["tune", "start", "bad.jsonl", *flags]) == 4
    told = capsys.readouterr().err
    assert "bad.jsonl:1" in told
    assert "bad.jsonl:2" in told
    assert "nothing was uploaded" in told
    assert platform.files == []


def test_a_closed_platform_names_what_goes_on(
    folder: Path, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 4: since when, and the command that runs the same job here."""
    platform.refusal = (403, "training_not_available")
    assert start(platform.base_url, model="gpt-x") == 4
    told = capsys.readouterr().err
    assert "2027-01-06" in told
    assert "--model evalkit-tiny" in told
    assert read_lock(folder) == ()


def test_a_job_goes_on_without_us(
    folder: Path, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Started without --wait, it is watched later; cancel, pause and resume say what has become of it."""
    platform.steps = 99
    assert start(platform.base_url, model="gpt-x") == 0
    assert "is under way: evalkit tune watch ftjob-0" in capsys.readouterr().out
    for action, status in (("pause", "paused"), ("resume", "queued"), ("cancel", "cancelled")):
        assert main(["tune", action]) == 0
        assert capsys.readouterr().out == f"ftjob-0: {status}\n"
        assert read_lock(folder)[0].status == status
    assert main(["tune", "watch"]) == 1


def test_deleting_asks_first_and_forgets(
    folder: Path, platform: Platform, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a terminal nothing is deleted unless --yes says so."""
    assert start(platform.base_url, "--wait", model="gpt-x") == 0
    assert main(["tune", "delete"]) == 4
    assert "give --yes" in capsys.readouterr().err
    assert platform.models
    assert main(["tune", "delete", "--yes"]) == 0
    assert platform.models == set()
    assert read_lock(folder) == ()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["start", "words", "--base-url", "http://127.0.0.1:9/v1"], "no model is named; add --model NAME"),
        (["start", "nothing"], "nothing: write a suite's folder, or a file whose name ends in .jsonl"),
        (["start", "words", "--notify", "'"], "--notify"),
        (["start", "words", "--learning-rate", "0"], "write a number above 0"),
        (["start", "words", "--model", "gpt-4.1"], "OPENAI_API_KEY is not set"),
        (["watch"], "evalkit.lock knows no job; name one"),
        (["wach"], "unknown command 'wach', did you mean watch?"),
        (["curve", "words", "--shares", "100"], "write at least two percentages"),
        (["curve", "words"], "a curve needs at least two shares"),
    ],
)
def test_bad_usage_is_exit_4(
    folder: Path, argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each with its remedy; nothing is asked, and no server started."""
    assert folder.is_dir()
    assert main(["tune", *argv]) == 4
    assert message in capsys.readouterr().err


def test_a_server_that_is_not_there_is_exit_12(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What it is doing goes on; nothing of ours was at fault."""
    assert folder.is_dir()
    assert main(["tune", "list", "--base-url", "http://127.0.0.1:9/v1"]) == 12
    assert "could not be asked" in capsys.readouterr().err


def test_a_price_is_asked_for_before_it_is_paid(
    folder: Path, platform: Platform, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a public host: shown, held to --max-cost, and refused where nobody can be asked."""
    from evalkit.cli.tune import costing

    monkeypatch.setattr(costing, "is_private", lambda _: False)  # loopback is the only host of a test
    assert start(platform.base_url, model="gpt-x") == 4
    assert "no price for training gpt-x" in capsys.readouterr().err
    (folder / "evalkit.toml").write_text('[[prices]]\nmodel = "gpt-x"\nin = 1\nout = 1\ntrain = 1000\n')
    assert start(platform.base_url, "--max-cost", "0.01", model="gpt-x") == 11
    assert "--max-cost is 0.01" in capsys.readouterr().err
    assert start(platform.base_url, model="gpt-x") == 4
    told = capsys.readouterr().err
    assert "about $" in told
    assert "give --yes" in told
    assert platform.files == platform.jobs == []
    assert start(platform.base_url, "--yes", model="gpt-x") == 0
    assert len(platform.jobs) == 1


@pytest.mark.slow
def test_the_embedded_server_is_started_for_a_job(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is named: the embedded model learns, is waited for, and is found by the next command."""
    assert main(["tune", "start", "words", "--epochs", "1"]) == 0
    (entry,) = read_lock(folder)
    assert (entry.endpoint, entry.base_url, entry.base) == ("local", None, "evalkit-tiny")
    assert main(["tune", "list"]) == 0
    assert entry.job in capsys.readouterr().out


def test_an_interrupted_wait_is_taken_up_by_watch(folder: Path, platform: Platform) -> None:
    """Ctrl-C ends the waiting, not the job: exit 2, with the command that goes on."""
    platform.steps = 10_000
    command = ["tune", "start", "words", "--wait", "--model", "gpt-x", "--base-url", platform.base_url]
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-m", "evalkit", *command],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as waiting:
        while not platform.jobs or not platform.jobs[0]["looks"]:
            time.sleep(0.05)
        waiting.send_signal(signal.SIGINT)
        assert waiting.stderr is not None
        assert "evalkit tune watch ftjob-0" in waiting.stderr.read()
    assert waiting.returncode == 2
    platform.steps = 1
    assert main(["tune", "watch"]) == 0
    assert read_lock(folder)[0].status == "succeeded"
