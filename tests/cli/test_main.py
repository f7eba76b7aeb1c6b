"""`evalkit` itself: help, light start, exit codes, and messages in place of tracebacks."""

from __future__ import annotations

import contextlib
import resource
import subprocess
import sys
import types

import pytest

from evalkit.cli import COMMANDS, main

HEAVY = {"jinja2", "jsonschema", "numpy", "openai", "pandas", "ruamel", "starlette", "tiktoken", "uvicorn"}


def run_python(*args: str) -> subprocess.CompletedProcess[str]:
    """A Python of its own, so that nothing is loaded yet."""
    return subprocess.run([sys.executable, *args], capture_output=True, text=True, check=False)


def test_help_is_light() -> None:
    """`evalkit --help` takes at most 0.25 s of processor time (the best of three)."""

    def seconds() -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run_python("-m", "evalkit", "--help").returncode == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    assert min(seconds() for _ in range(3)) <= 0.25


@pytest.mark.parametrize("code", ["import evalkit", "from evalkit.cli import main; main(['--help'])"])
def test_nothing_heavy_is_loaded_before_it_is_needed(code: str) -> None:
    """Neither `import evalkit` nor `evalkit --help` loads a heavy package."""
    found = run_python("-c", f"{code}\nimport sys; print(','.join(sys.modules))")
    assert found.returncode == 0
    assert not HEAVY & {name.split(".")[0] for name in found.stdout.splitlines()[-1].split(",")}


@pytest.mark.parametrize("command", COMMANDS.table)
def test_every_help_has_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`evalkit COMMAND --help` ends in command lines to copy."""
    with contextlib.suppress(SystemExit):
        main([command, "--help"])
    assert f"example:\n  evalkit {command}" in capsys.readouterr().out


def test_the_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalkit` alone is `evalkit --help`."""
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {command} " in shown for command in COMMANDS.table)


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["rnu"], "unknown command 'rnu', did you mean run?"),
        (["run", "--limt", "3"], "unrecognized arguments: --limt"),
        (["run", "--limit", "0"], "found '0', write a whole number of at least 1"),
        (["run", "--max-cost", "cheap"], "found 'cheap', write USD such as 2.50, or none"),
        (["run", "--variants", "a,,b"], "write names with commas between"),
        (["run", "no-such-folder"], "no-such-folder"),
        (["checks", "is-json"], "write json_schema"),
    ],
)
def test_bad_usage_is_exit_4(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """What was found and what to write instead, on stderr, without a traceback; exit code 4."""
    assert main(argv) == 4
    written = capsys.readouterr()
    assert message in written.err
    assert written.out == ""


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A command with a fault of its own."""
    module = types.ModuleType("evalkit.cli.broken")

    def fail(_: list[str]) -> int:
        raise ZeroDivisionError("two\nlines")

    module.main = fail  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "evalkit.cli.broken", module)
    monkeypatch.setitem(COMMANDS.table, "broken", "")
    return module


@pytest.mark.usefixtures("broken")
def test_a_fault_of_evalkit_is_one_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unexpected exception is exit code 3 and one line; EVALKIT_DEBUG=1 adds the traceback."""
    monkeypatch.delenv("EVALKIT_DEBUG", raising=False)
    assert main(["broken"]) == 3
    message = capsys.readouterr().err
    assert message.startswith("evalkit: internal error: ZeroDivisionError: two lines")
    assert message.count("\n") == 1
    monkeypatch.setenv("EVALKIT_DEBUG", "1")
    assert main(["broken"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_ctrl_c_is_exit_2(broken: types.ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """An interrupt anywhere ends with exit code 2, without a traceback."""

    def interrupted(_: list[str]) -> int:
        raise KeyboardInterrupt

    broken.main = interrupted  # type: ignore[attr-defined]
    assert main(["broken"]) == 2
    assert capsys.readouterr().err == "evalkit: interrupted\n"


def test_checks_lists_all_and_explains_one(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalkit checks` is a line a check; with a name, its arguments."""
    assert main(["checks"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"json_schema", "language", "rubric", "equals"} <= {line.split()[0] for line in lines}
    assert main(["checks", "length"]) == 0
    assert "unit:" in capsys.readouterr().out


def test_schemas_are_valid_schemas(capsys: pytest.CaptureFixture[str]) -> None:
    """`evalkit schema` prints JSON Schemas that editors can use."""
    import json

    from jsonschema import Draft202012Validator

    for argv in (["schema"], ["schema", "--summary"]):
        assert main(argv) == 0
        Draft202012Validator.check_schema(json.loads(capsys.readouterr().out))


def test_public_names_can_be_had() -> None:
    """Every name that `evalkit` offers is there, and others are refused as usual."""
    import evalkit

    assert all(getattr(evalkit, name) is not None for name in evalkit.__all__ if name != "__version__")
    assert dir(evalkit) == evalkit.__all__
    with pytest.raises(AttributeError, match="nonsense"):
        evalkit.nonsense  # noqa: B018
