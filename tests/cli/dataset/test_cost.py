"""`evalkit dataset cost`: what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main
from evalkit.tokens import encoding_for, without_encoding

ROOT = Path(__file__).resolve().parents[3]
TRAIN, SUITE = ROOT / "suites" / "marv" / "train.jsonl", ROOT / "suites" / "marv"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder without an evalkit.toml."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def openai() -> str:
    """A model of OpenAI's, where its tokens can be counted."""
    if encoding_for("gpt-4.1-mini") is None:
        pytest.skip(without_encoding("gpt-4.1-mini"))
    return "gpt-4.1-mini"


def cost(*flags: str) -> int:
    """Run the command on marv's training data."""
    return main(["dataset", "cost", str(TRAIN), *flags])


def test_training_calls_and_break_even_are_printed(openai: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the table's date, and when the model is shut down."""
    assert cost("--model", openai, "--suite", str(SUITE), "--calls", "1000") == 0
    shown = capsys.readouterr().out
    assert "at $5 per 1M" in shown
    assert "OpenAI's price list, 2026-11-22" in shown
    assert "base, too short for the cache" in shown
    assert "against the prompt uncached: training has paid for itself after " in shown
    assert "1,000 calls, ft: $" in shown
    assert "2027-01-14" in shown


def test_a_cached_prompt_is_shown_beside_the_uncached(
    openai: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A prompt of more than 1,024 tokens may be cached."""
    (elsewhere / "prompt.md").write_text("Answer with the name of a city. " * 400)
    assert cost("--model", openai, "--prompt", "prompt.md", "--cached-share", "0.8") == 0
    shown = capsys.readouterr().out
    assert "base, prompt cached in 80%" in shown
    assert "against the prompt cached: " in shown


def test_the_embedded_model_is_free(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is paid, so nothing pays."""
    assert cost("--model", "evalkit-tiny", "--suite", str(SUITE), "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["training_usd"], found["source"]) == (0.0, "runs on this machine")
    assert found["break_even_calls"] == {"base": "never", "base_cached": "never"}


def test_an_unknown_price_is_unknown_and_a_price_of_one_s_own_is_used(
    openai: str, elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """[[prices]] in evalkit.toml names what the table lacks."""
    assert encoding_for("gpt-5-mini") is not None, openai
    assert cost("--model", "gpt-5-mini", "--suite", str(SUITE)) == 0
    shown = capsys.readouterr().out
    assert "examples: unknown\n" in shown
    assert "unknown, for want of a price" in shown
    (elsewhere / "evalkit.toml").write_text('[[prices]]\nmodel = "gpt-5-mini"\nin = 1\nout = 2\ntrain = 10\n')
    assert cost("--model", "gpt-5-mini", "--json") == 0
    assert json.loads(capsys.readouterr().out)["training_price"] == 10


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--model", "llama3:8b"], "No encoding is known of 'llama3:8b'"),
        (["--model", "evalkit-tiny", "--prompt", "no.md"], "no.md: cannot be read"),
        (["--model", "evalkit-tiny", "--cached-share", "2"], "found '2', write a share such as 0.8"),
        ([], "required: --model"),
    ],
)
def test_bad_usage_is_said(flags: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 4."""
    assert cost(*flags) == 4
    assert message in capsys.readouterr().err


def test_a_file_that_cannot_be_used_costs_nothing(
    elsewhere: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A job would fail on it: the check is to be passed first."""
    (elsewhere / "train.jsonl").write_text("{}\n")
    assert main(["dataset", "cost", "train.jsonl", "--model", "evalkit-tiny"]) == 4
    assert "cannot be used as it is; evalkit dataset check shows why" in capsys.readouterr().err
