"""`evalkit ask`: one text, every variant, side by side."""

from __future__ import annotations

from pathlib import Path

import pytest

from evalkit.cli import main
from tests.loopback import Loopback, Reply, as_json, refused, said
from tests.loopback import loopback as loopback

SUITE = """
prompt: {prompt}
cases: [{{ask: oslo, answer: OSLO, vars: {{language: French}}}}]
checks:
  - equals
  - length: {{max: 3, unit: words}}
    name: short
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a suite, and no keys in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "suite.yaml").write_text(SUITE.format(prompt="Answer in capitals."), "utf-8")
    return tmp_path


def ask(server: Loopback, text: str, *more: str) -> int:
    """Ask base, prompted and ft of one server."""
    models = ["--base", f"plain@{server.base_url}", "--ft", f"tuned@{server.base_url}"]
    return main(["ask", "words", text, *models, *more])


def row(shown: str, name: str) -> str:
    """The table's row of this name."""
    return next(line for line in shown.splitlines() if line.startswith(name))


def test_all_variants_answer_side_by_side(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """With verdicts, tokens and latency; what needs a reference shows `-`; no run is left behind."""
    assert ask(loopback, "hello there my dear friend") == 0
    shown = capsys.readouterr().out
    assert row(shown, " ").split() == ["base", "prompted", "ft"]
    assert row(shown, "model").split() == ["model", "plain", "plain", "tuned"]
    assert "HELLO THERE" in shown
    assert row(shown, "equals").split() == ["equals", "-", "-", "-"]
    assert row(shown, "short").count("failed") == 3
    assert row(shown, "tokens").count("+") == 3
    assert row(shown, "latency").count("ms") == 3
    assert max(map(len, shown.splitlines())) <= 100
    assert not (folder / "reports").exists()


def test_what_was_asked_is_kept_as_in_a_run(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Asked again, it is answered from the cache; --no-cache asks anew."""
    assert folder.is_dir()
    assert ask(loopback, "hello") == ask(loopback, "hello") == 0
    assert len(loopback.questions) == 3
    assert "cached" in capsys.readouterr().out
    assert ask(loopback, "hello", "--no-cache") == 0
    assert len(loopback.questions) == 6


def test_a_model_s_text_is_harmless_on_the_terminal(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its line breaks are kept, its control characters shown; tool calls and refusals stand in its place."""
    assert folder.is_dir()
    loopback.rule = lambda _: said("one\n\x1b[31mtwo")
    assert ask(loopback, "hello", "--variants", "base") == 0
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\\x1b[31mtwo" in shown
    call = {"type": "function", "id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}
    loopback.rule = lambda _: as_json({"choices": [{"message": {"tool_calls": [call]}}]})
    ask(loopback, "call", "--variants", "base")
    assert '[calls f({"a": 1})]' in capsys.readouterr().out


def test_one_that_cannot_be_asked_does_not_hide_the_others(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit 12; its column says why."""
    assert folder.is_dir()

    def rule(body: dict[str, object]) -> Reply:
        return refused(400, "bad_model") if body["model"] == "tuned" else said("fine")

    loopback.rule = rule
    assert ask(loopback, "hello") == 12
    shown = capsys.readouterr().out
    assert "fine" in shown
    assert "[not asked] bad_model" in " ".join(shown.split())


def test_a_template_is_filled_with_variables(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """--var gives them; without, the message says how."""
    prompt = "{user: 'Translate into {{ language }}: {{ ask }}'}"
    (folder / "words" / "suite.yaml").write_text(SUITE.format(prompt=prompt), "utf-8")
    assert ask(loopback, "hello", "--var", "language=Dutch", "--variants", "prompted") == 0
    assert loopback.questions[0]["messages"][0]["content"] == "Translate into Dutch: hello"
    assert ask(loopback, "hello", "--variants", "prompted") == 4
    assert "give --var NAME=VALUE" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["words", " "], "TEXT is empty"),
        (["words", "hi", "--var", "x"], "write NAME=VALUE"),
        (["words", "hi", "--ft", "x@http://127.0.0.1:9/v1"], "--ft is remote, base is not named"),
        (["nowhere", "hi"], "nowhere"),
    ],
)
def test_bad_usage_is_exit_4(
    folder: Path, argv: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The rules of `run` hold: nothing is mixed, nothing guessed."""
    assert folder.is_dir()
    assert main(["ask", *argv]) == 4
    assert message in capsys.readouterr().err


def test_recorded_variants_are_not_asked(
    folder: Path, loopback: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file has no answer to a new question: the others answer, a ready-made one by its model again."""
    (folder / "old.jsonl").write_text('{"case": "x", "text": "x"}\n')
    lines = 'responses = "old.jsonl"\n'
    (folder / "evalkit.toml").write_text(f"[variants.old]\n{lines}[variants.ft]\n{lines}")
    assert ask(loopback, "hello") == 0
    assert row(capsys.readouterr().out, "model").split() == ["model", "plain", "plain", "tuned"]
