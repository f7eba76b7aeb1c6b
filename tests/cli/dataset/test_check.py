"""`evalkit dataset check`: what is printed, and the exit code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.cli import main
from evalkit.dataset.finding import ERRORS, WARNINGS

GOOD = {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]}


@pytest.fixture
def train(tmp_path: Path) -> Path:
    """Twelve good examples, no two alike."""
    path = tmp_path / "train.jsonl"
    turns = [{"role": "user", "content": f"Number {i}?"} for i in range(12)]
    path.write_text("".join(json.dumps({"messages": [turn, GOOD["messages"][1]]}) + "\n" for turn in turns))
    return path


def append(path: Path, *lines: bytes) -> None:
    """Add lines to a file."""
    with path.open("ab") as file:
        file.writelines(line + b"\n" for line in lines)


def check(path: Path, *flags: str) -> int:
    """Run the command, counted for the embedded model, whose encoding is always there."""
    return main(["dataset", "check", str(path), "--model", "evalkit-tiny", *flags])


def test_a_good_file_passes(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit 0, with the script's figures under the script's names."""
    assert check(train, "--strict") == 0
    shown = capsys.readouterr().out
    assert "12 examples (12 chat)" in shown
    assert "Num examples: 12\n" in shown
    assert "Num examples missing system message: 12\n" in shown
    assert (
        "Distribution of num_messages_per_example:\n  min / max: 2, 2\n  mean / median: 2.0, 2.0\n" in shown
    )
    assert '0.1 / 0.9 quantile (the script\'s "p5 / p95")' in shown
    assert "8 epochs" in shown
    assert shown.endswith("0 errors, 0 warnings: no fault found\n")


def test_an_error_exits_4_and_a_warning_does_not_unless_strict(
    train: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Malformed data cannot be used; limits of a job, and what is merely odd, are said."""
    append(train, b"")
    assert check(train) == 0
    assert check(train, "--strict") == 4
    append(train, b'{"messages": [')
    capsys.readouterr()
    assert check(train) == 4
    shown = capsys.readouterr().out
    assert "error    invalid_json (1)" in shown
    assert "line 14, column 15: expecting value, found: the end of the line; write the whole" in shown
    assert "it ends with an exception at line 13 (the line is blank)" in shown


def test_many_findings_are_a_few_lines_unless_asked_for(
    train: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first of each rule, and how many more there are; all with -v."""
    append(train, *[b"[]"] * 40)
    check(train)
    brief = capsys.readouterr().out
    assert "… and 35 more; -v shows all" in brief
    check(train, "-v")
    assert capsys.readouterr().out.count("found []") == 40


def test_the_report_fits_a_terminal_and_harms_none(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At most 100 columns, and no control character of the data."""
    append(
        train, json.dumps({"messages": [{"role": "\x1b[31mred" * 30, "content": "\x07" * 300}] * 9}).encode()
    )
    append(train, b"\x1b[2J" * 50)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "not JSON" * 20}}
    append(train, json.dumps({"messages": [{"role": "assistant", "tool_calls": [call]}]}).encode())
    check(train)
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert max(map(len, shown.removeprefix(str(train)).splitlines())) <= 100


def test_json_has_all_that_is_known(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its keys are kept; findings come with line, column, rule, severity, message and remedy."""
    append(train, b"{oops}")
    assert check(train, "--json") == 4
    found = json.loads(capsys.readouterr().out)
    assert list(found) == [
        "file", "bytes", "lines", "examples", "forms", "model", "encoding", "token_limit",
        "errors", "warnings", "rules", "findings", "script", "missing_system", "missing_user",
        "messages_per_example",
        "tokens_per_example", "assistant_tokens_per_example", "tool_tokens", "over_limit", "epochs",
        "billed_tokens", "charged_tokens",
    ]  # fmt: skip
    assert found["rules"] == {"invalid_json": 1}
    assert found["findings"] == [
        {
            "line": 13,
            "column": 2,
            "rule": "invalid_json",
            "severity": "error",
            "message": "expecting property name enclosed in double quotes, found: oops}",
            "remedy": 'write one JSON object on each line, such as {"messages": [...]}',
        }
    ]
    assert found["script"]["stops_at"]["line"] == 13
    assert found["messages_per_example"] == {
        "n": 12, "min": 2, "max": 2, "mean": 2.0, "median": 2.0, "q10": 2.0, "q90": 2.0,
    }  # fmt: skip
    assert found["charged_tokens"] == found["billed_tokens"] * found["epochs"]


def test_without_an_encoding_the_tokens_are_unknown(train: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rest of the report stands, and says what is to be done."""
    assert main(["dataset", "check", str(train), "--model", "llama3:8b"]) == 0
    assert "Tokens: unknown. No encoding is known of 'llama3:8b'" in capsys.readouterr().out


def test_rules_are_named_once() -> None:
    """An error is no warning."""
    assert not ERRORS.keys() & WARNINGS.keys()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["check", "missing.jsonl"], "missing.jsonl: no such file"),
        (["check"], "the following arguments are required: FILE"),
        (["chek"], "unknown command 'chek', did you mean check?"),
    ],
)
def test_bad_usage_is_said(argv: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    """One message, exit code 4."""
    assert main(["dataset", *argv]) == 4
    assert message in capsys.readouterr().err


def test_help_lists_the_subcommands(capsys: pytest.CaptureFixture[str]) -> None:
    """With an example."""
    assert main(["dataset", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(f"\n  {name} " in shown for name in ("check", "cost", "split", "leaks", "build"))
