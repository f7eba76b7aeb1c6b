"""Who is told of a job's end: a command without a shell, whose faults change nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from evalkit.errors import UsageError
from evalkit.tune.jobs import read_job
from evalkit.tune.notify import arguments, notify

JOB = read_job(
    {"id": "ftjob-1", "status": "failed", "model": "base", "error": {"code": "bad", "message": "$(id) `id`"}}
)


def test_the_job_stands_in_the_environment(tmp_path: Path) -> None:
    """Nothing of it is ever part of the command."""
    out = tmp_path / "told"
    code = f"import os; open({str(out)!r}, 'w').write(repr(dict(os.environ)))"
    assert notify((sys.executable, "-c", code), JOB) is None
    told = out.read_text()
    for name, value in (("JOB", "ftjob-1"), ("STATUS", "failed"), ("MODEL", ""), ("BASE", "base")):
        assert f"'EVALKIT_{name}': {value!r}" in told
    assert "bad: $(id) `id`" in told


def test_no_shell_reads_the_command() -> None:
    """Quotes make one argument; a semicolon, a variable or a pipe is but text."""
    assert arguments("tell 'two words' $HOME; rm | x") == ("tell", "two words", "$HOME;", "rm", "|", "x")


@pytest.mark.parametrize("command", ["", "   ", "tell 'open"])
def test_a_command_that_cannot_be_run_is_refused_beforehand(command: str) -> None:
    """Not only when a job of hours has ended."""
    with pytest.raises(UsageError, match="--notify"):
        arguments(command)


def test_a_command_that_fails_is_told_of() -> None:
    """With what went wrong; it raises nothing."""
    assert notify((sys.executable, "-c", "raise SystemExit(7)"), JOB) == "ended with code 7"
    assert "no-such-program" in str(notify(("no-such-program",), JOB))
