"""A run that was not finished is offered when the same one is begun again."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from evalkit.cli.offer import taken_up
from evalkit.config import ModelFlags
from evalkit.run.describe import resumed
from tests.loopback import Loopback, Reply, refused, shouting
from tests.loopback import loopback as loopback
from tests.run.helpers import config_for, run_in, write_suite


@pytest.fixture
def unfinished(tmp_path: Path, loopback: Loopback, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of which one case could not be asked."""
    monkeypatch.chdir(tmp_path)

    def rule(body: dict[str, object]) -> Reply:
        return refused(400, "bad") if "rome" in str(body) else shouting(body)

    loopback.rule = rule
    config = config_for(tmp_path, loopback, "base")
    return run_in(tmp_path, write_suite(tmp_path / "cities"), config)[0].folder


class Terminal(io.StringIO):
    """Somebody sits at it."""

    def isatty(self) -> bool:
        """They do."""
        return True


def test_without_a_terminal_it_is_told(unfinished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that goes on; the run begins anew."""
    flags, options = resumed(unfinished)
    assert taken_up(flags, _as_typed(options)) is None
    told = capsys.readouterr().err
    assert "8 answers are on disk" in told
    assert f"evalkit run --resume reports/{unfinished.name}" in told


@pytest.mark.parametrize(("answer", "taken"), [("\n", True), ("y\n", True), ("n\n", False)])
def test_on_a_terminal_it_is_asked(
    unfinished: Path, monkeypatch: pytest.MonkeyPatch, answer: str, taken: bool
) -> None:
    """Enter goes on."""
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    flags, options = resumed(unfinished)
    found = taken_up(flags, _as_typed(options))
    assert (found is not None and found.resolve() == unfinished.resolve()) is taken


def test_another_run_or_a_finished_one_is_not_offered(
    unfinished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Other flags are another run."""
    flags, options = resumed(unfinished)
    assert taken_up(ModelFlags(base="other"), _as_typed(options)) is None
    info = json.loads((unfinished / "run.json").read_text())
    (unfinished / "run.json").write_text(json.dumps({**info, "errors": 0}))
    assert taken_up(flags, _as_typed(options)) is None
    assert capsys.readouterr().err == ""


def _as_typed(options: object) -> object:
    from dataclasses import replace

    return replace(options, resume=None, concurrency=3)  # type: ignore[type-var]
