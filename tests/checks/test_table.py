"""The table of checks, building them, and their help."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from evalkit.checks import CHECKS, CheckArgumentError, FileText, build, help_text
from evalkit.checks.length import Length
from evalkit.checks.rubric import Rubric


@pytest.mark.parametrize("name", list(CHECKS))
def test_a_check_is_a_frozen_dataclass_with_help(name: str) -> None:
    """Every row of the table leads to a documented, frozen dataclass with a kind."""
    check = CHECKS[name]
    assert dataclasses.is_dataclass(check)
    assert check.__dataclass_params__.frozen
    assert check.default_kind in ("property", "correctness")
    text = help_text(name)
    assert text.startswith(f"{name} (")
    first = next(field.name for field in dataclasses.fields(check) if field.init)
    assert f"\n  {first}: " in text


def test_heavy_packages_wait_for_the_check_that_needs_them() -> None:
    """Importing the table, or asking whether a check exists, imports no check."""
    code = (
        "import sys; from evalkit.checks import CHECKS; assert 'language' in CHECKS\n"
        "print([name for name in ('jsonschema', 'py3langid', 'tiktoken', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_first_argument_needs_no_name() -> None:
    """`length: 80` is `length: {max: 80}`."""
    assert build("length", 80) == build("length", {"max": 80}) == Length(max=80)


def test_file_stands_for_the_first_argument(tmp_path: Path) -> None:
    """`rubric: {file: tone.md}` takes the file's text."""
    text = FileText("Be kind.", tmp_path / "tone.md")
    assert build("rubric", {"file": text, "threshold": 1}) == Rubric("Be kind.", 1)


@pytest.mark.parametrize(
    ("name", "argument", "message"),
    [
        ("is-json", None, "unknown check is-json: write json_schema: {}"),
        ("llm-rubric", "x", "unknown check llm-rubric: write rubric: ..."),
        ("contains-any", [], "unknown check contains-any: write contains: {text: [..., ...], match: any}"),
        ("lenght", 3, 'unknown check "lenght"; did you mean length?'),
        ("length", {"maxx": 3}, 'length.maxx: unknown key "maxx"; did you mean max?'),
        ("length", {"max": -1}, "length.max: found -1; write a whole number of at least 0"),
        ("length", {"max": True}, "length.max: found true; write a whole number of at least 0"),
        ("length", {}, "length: sets no limit; write max, min or both"),
        ("length", {"max": 1, "min": 2}, "length.max: is 1, below min, 2"),
        ("length", {"max": 1, "unit": "word"}, 'length.unit: found "word"; write tokens or words or chars'),
        ("regex", None, "regex.pattern: is missing; write text"),
        ("regex", "(", 'regex: found "(": no regular expression'),
        ("json_fields", "player", 'json_fields: found "player"; write a list, each text'),
        ("json_fields", [], "json_fields: found an empty list"),
        ("contains", ["a", 2], "contains[1]: found 2; write text in quotes"),
        ("contains", "", "contains: found an empty text"),
        ("equals", True, "equals: found true; write text in quotes"),
        ("rubric", {"text": "x", "threshold": 7}, "rubric.threshold: found 7; write a number from 0 to 1"),
        ("rubric", {"file": "tone.md"}, 'rubric.file: found "tone.md"; write a file'),
        ("language", "german", 'language: found "german"; write de'),
        ("language", "de-AT", 'language: found "de-AT"; write de'),
        ("language", "xx", 'language: unknown language "xx"'),
    ],
)
def test_a_wrong_argument_is_told_with_its_place_and_remedy(name: str, argument: Any, message: str) -> None:
    """Each message names the check, the argument, what was found and what to write."""
    with pytest.raises(CheckArgumentError) as caught:
        build(name, argument)
    assert str(caught.value).startswith(message)


def test_help_of_an_unknown_check_says_which_is_meant() -> None:
    """`evalkit checks is-json` teaches the same as a suite that names it."""
    with pytest.raises(CheckArgumentError, match="write json_schema"):
        help_text("is-json")
