"""Checking a file: the script's numbers wherever it survives, and a report wherever it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from evalkit.dataset.check import Check, CheckOptions, check_file
from evalkit.dataset.check_json import as_json
from evalkit.dataset.distribution import Distribution
from evalkit.dataset.notebook import default_epochs
from evalkit.errors import InputError
from evalkit.tokens import encoding_for, without_encoding
from tests.dataset.script_oracle import Outcome, run_script

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/data, the third-party data, is not here"
)
HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.fixture(scope="module")
def cl100k() -> tiktoken.Encoding:
    """The script's encoding."""
    encoding = encoding_for("gpt-3.5-turbo")
    if encoding is None:
        pytest.skip(without_encoding("gpt-3.5-turbo"))
    return encoding


def written(path: Path, *lines: Any) -> Path:
    """A file of these lines: values as JSON, bytes as they are."""
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"".join(line + b"\n" for line in raw))
    return path


def seen(spread: Distribution | None) -> tuple[float, ...] | None:
    """A distribution's figures in the order in which the script prints them."""
    if spread is None:
        return None
    ends = (spread.minimum, spread.maximum, spread.mean, spread.median)
    return (*ends, spread.quantile(0.1), spread.quantile(0.9))


def numbers(check: Check) -> dict[str, Any]:
    """A check's figures, named as the oracle names them."""
    assert check.size is not None
    return {
        "missing_system": check.without_system,
        "missing_user": check.without_user,
        "messages": seen(check.messages),
        "tokens": seen(check.size.tokens),
        "assistant": seen(check.size.assistant),
        "over_limit": check.size.over_limit,
        "epochs": check.epochs,
        "billed": check.size.billed,
    }


def assert_agrees(check: Check, script: Outcome) -> None:
    """The script's counts as far as it came; all its numbers if it came to the end; else that it did not."""
    assert (check.script.stop is not None) == script.crashed, (check.script, script)
    if script.examples is not None:
        assert check.examples == script.examples
    if script.errors is not None:
        assert check.script.errors == script.errors
    if not script.crashed:
        assert numbers(check) == script.numbers


texts = st.text(max_size=30) | st.sampled_from(
    [
        "<|endoftext|>",
        "x <|fim_middle|> y",
        "<|im_start|>",
        "\ud800",
        "\x00",
        "  ",
        "Ünïcödé 😀",
        "a b c " * 30,
    ]
)
odd = st.none() | st.integers(-2, 2) | st.lists(texts, max_size=2) | st.dictionaries(texts, texts, max_size=1)
usual_roles = st.sampled_from(["system", "user", "assistant"])
roles = usual_roles | st.sampled_from(["function", "tool", "bot"]) | odd
plain = st.fixed_dictionaries({"role": usual_roles, "content": texts.filter(bool)})
textual = st.fixed_dictionaries(
    {"role": usual_roles | st.sampled_from(["function", "bot"]), "content": texts},
    optional={"name": texts, "weight": texts, "function_call": texts, "colour": texts},
)
crooked = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("content", "name", "weight", "function_call", "tool_calls"), texts | odd),
        "role": roles,
    },
)
good_examples = st.fixed_dictionaries(
    {"messages": st.lists(plain | textual, min_size=1, max_size=5)}, optional={"id": texts, "tools": odd}
)
crooked_examples = st.fixed_dictionaries(
    {}, optional={"messages": st.lists(plain | crooked | odd, max_size=3) | odd | texts}
)
good_files = st.lists(good_examples, min_size=1, max_size=14)
files = st.lists(good_examples | good_examples | crooked_examples | odd | texts, min_size=1, max_size=6)
endings = st.sampled_from(["\n", "\r\n", "\r"])


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=good_files | files, ending=endings, last=st.booleans())
@example(lines=[{"messages": []}, {"messages": {}}, {"messages": ""}], ending="\n", last=True)
@example(lines=[{"messages": HI}] * 40, ending="\r", last=False)
def test_the_numbers_are_the_script_s_wherever_it_survives(
    tmp_path: Path, cl100k: tiktoken.Encoding, lines: Sequence[Any], ending: str, last: bool
) -> None:
    """Every count, mean and quantile, on any file; and where it crashes, that is known, and reported."""
    path = tmp_path / "train.jsonl"
    text = ending.join(map(json.dumps, lines)) + (ending if last else "")
    path.write_bytes(text.encode())
    assert_agrees(check_file(path), run_script(path, cl100k, 4096))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pieces=st.lists(
        st.binary(max_size=12)
        | st.sampled_from(
            [b"\n", b"\r\n", b"\xef\xbb\xbf", b"NaN", b'{"messages": []}', b"[" * 5000, b"9" * 5000]
        ),
        max_size=8,
    )
)
def test_no_bytes_can_make_the_check_fail(
    tmp_path: Path, cl100k: tiktoken.Encoding, pieces: list[bytes]
) -> None:
    """Whatever the file holds, there are findings, and the script's fate is foretold."""
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"".join(pieces))
    found = check_file(path)
    assert found.counts
    assert (found.script.stop is not None or found.examples == 0) == run_script(path, cl100k, 4096).crashed


@needs_shared
@pytest.mark.usefixtures("cl100k")
def test_the_notebook_s_own_file_gives_the_notebook_s_numbers() -> None:
    """As the cookbook prints them for toy_chat_fine_tuning.jsonl."""
    found = check_file(SHARED / "cookbook" / "toy_chat_fine_tuning.jsonl")
    assert (found.examples, found.errors, found.script.errors, found.script.stop) == (5, 0, {}, None)
    shown = numbers(found)
    assert (shown["missing_system"], shown["missing_user"]) == (1, 1)
    assert shown["messages"] == pytest.approx((2, 9, 3.8, 3.0, 2.0, 6.6))
    assert shown["tokens"] == pytest.approx((26, 8032, 1648.4, 45.0, 26.8, 4863.6))
    assert shown["assistant"] == pytest.approx((4, 8000, 1610.2, 10.0, 6.0, 4811.2))
    assert (shown["over_limit"], shown["billed"], shown["epochs"]) == (1, 4306, 20)
    assert found.size is not None
    assert sorted(found.size.tokens.counts) == [26, 28, 45, 111, 8032]
    assert as_json(found)["charged_tokens"] == 86120


@needs_shared
def test_tool_calls_are_no_fault() -> None:
    """The script counts three errors in every line of drone_training.jsonl, and crashes; none is one."""
    found = check_file(SHARED / "cookbook" / "drone_training.jsonl")
    assert (found.errors, found.warnings, found.examples) == (0, 0, 103)
    assert found.script.errors == dict.fromkeys(
        ("message_missing_key", "message_unrecognized_key", "missing_content"), 103
    )
    assert found.script.stop == (1, "the value of tool_calls is no text")


@needs_shared
@pytest.mark.parametrize("name", ["marv", "sports-headlines"])
def test_the_article_s_examples_are_good_but_few(name: str) -> None:
    """No error of format; a warning of fewer than 10 examples."""
    found = check_file(SHARED / "article" / f"{name}.jsonl")
    assert found.counts == {"too_few_examples": 1}


@needs_shared
def test_the_article_s_slip_is_found() -> None:
    """As printed there, the sports example has unescaped quotation marks: line and column of the first."""
    found = check_file(SHARED / "article" / "sports-headlines.as-printed.jsonl")
    first = found.findings[1]
    assert (first.line, first.column, first.rule, first.severity) == (1, 135, "invalid_json", "error")
    assert first.remedy == 'write a quotation mark inside a text as \\"'


def test_many_processes_find_what_one_finds(tmp_path: Path) -> None:
    """In the same order, too: parts are put together as they stand in the file."""
    lines: list[Any] = []
    for i in range(6000):
        lines.append({"messages": [{"role": "user", "content": f"{i} " * 200}, HI[1]]})
        lines += [b"", b"{nope"] if i % 500 == 0 else []
    path = written(tmp_path / "train.jsonl", *lines, {"messages": HI}, {"messages": HI})
    assert path.stat().st_size > 3 << 20  # several blocks
    one, two = (check_file(path, CheckOptions("evalkit-tiny", keep=8, processes=n)) for n in (1, 2))
    assert one == two
    assert one.counts["blank_line"] == one.counts["invalid_json"] == 12
    assert [finding.line for finding in one.findings if finding.rule == "blank_line"][:3] == [2, 504, 1006]


def test_duplicates_are_found_however_they_are_spelled(tmp_path: Path) -> None:
    """Order of keys, white space, escapes and evalkit's own keys do not matter; what is learned does."""
    spelled_anew = (
        b'{ "id": "x", "messages": [{"content": "H\\u0069", "role": "user"}, '
        b'{"role":"assistant","content":"Hello"}]}'
    )
    other = {"messages": [HI[0], {"role": "assistant", "content": "hello"}]}
    path = written(tmp_path / "train.jsonl", {"messages": HI}, other, spelled_anew, {"messages": HI})
    found = [one for one in check_file(path).findings if one.rule == "duplicate_example"]
    assert [(one.line, one.message) for one in found] == [
        (3, "the same as line 1"),
        (4, "the same as line 1"),
    ]


def test_one_file_holds_one_form(tmp_path: Path) -> None:
    """The first line of each further form is named."""
    preference = {
        "input": {"messages": HI[:1]},
        "preferred_output": HI[1:],
        "non_preferred_output": [{"role": "assistant", "content": "Go away"}],
    }
    pair = {"prompt": "Hi", "completion": " Hello"}
    path = written(tmp_path / "train.jsonl", {"messages": HI}, pair, pair, preference)
    found = check_file(path)
    assert [(one.line, one.message) for one in found.findings if one.rule == "mixed_formats"] == [
        (2, "a pair example in a file of chat examples (line 1)"),
        (4, "a preference example in a file of chat examples (line 1)"),
    ]
    assert found.forms == {"chat": 1, "pair": 2, "preference": 1}


def test_findings_are_all_counted_but_not_all_kept(tmp_path: Path) -> None:
    """A file in which every line is wrong gives a short report."""
    found = check_file(written(tmp_path / "train.jsonl", *[[]] * 50), CheckOptions("evalkit-tiny", keep=3))
    assert found.counts["data_type"] == 50
    assert [one.line for one in found.findings if one.rule == "data_type"] == [1, 2, 3]


def test_the_limit_is_the_model_s(tmp_path: Path, cl100k: tiktoken.Encoding) -> None:
    """5,000 tokens are too many for the model of 2023 only; the tools' declarations count, too."""
    long = {"messages": [{"role": "user", "content": "yes " * 5000}, HI[1]]}
    tools = [{"type": "function", "function": {"name": "f", "description": "yes " * 17_000}}]
    path = written(tmp_path / "train.jsonl", long, {"messages": HI, "tools": tools})
    assert cl100k.name == check_file(path).encoding
    late = check_file(path, CheckOptions("ft:gpt-3.5-turbo-0125:me::x"))
    assert [one.line for one in late.findings if one.rule == "too_many_tokens"] == [2]
    assert [one.line for one in check_file(path).findings if one.rule == "too_many_tokens"] == [1, 2]


def test_a_model_without_encoding_leaves_the_tokens_unknown(tmp_path: Path) -> None:
    """Unknown is null, never 0; all else is checked."""
    found = as_json(
        check_file(written(tmp_path / "train.jsonl", {"messages": HI}, []), CheckOptions("llama3:8b"))
    )
    assert (found["encoding"], found["token_limit"]) == (None, None)
    assert (found["tokens_per_example"], found["billed_tokens"], found["charged_tokens"]) == (
        None,
        None,
        None,
    )
    assert (found["errors"], found["messages_per_example"]["n"]) == (1, 1)


def test_what_the_script_cannot_count_is_counted(tmp_path: Path) -> None:
    """Calls by name and arguments, parts by their text; numbers, nulls and pictures are no tokens."""
    call = {"id": "c", "type": "function", "function": {"name": "dim", "arguments": "{}"}}
    picture = {"type": "image_url", "image_url": {"url": "data:"}}
    parts = [{"role": "user", "content": [{"type": "text", "text": "Hi"}, picture]}, {**HI[1], "weight": 1}]
    calls = [HI[0], {"role": "assistant", "content": None, "tool_calls": [call]}]

    def size(messages: list[dict[str, Any]]) -> tuple[int, int]:
        found = check_file(
            written(tmp_path / "t.jsonl", {"messages": messages}), CheckOptions("evalkit-tiny")
        ).size
        assert found is not None
        return found.tokens.total, found.assistant.total

    assert size(parts) == size(HI)
    said = [HI[0], {"role": "assistant", "content": "dim{}"}]
    assert size(calls) == size(said)


def test_a_long_run_of_blanks_does_not_end_the_check(tmp_path: Path) -> None:
    """tiktoken panics on a million spaces in a row."""
    blanks = {"messages": [{"role": "user", "content": " " * 1_100_000 + "x"}, HI[1]]}
    found = check_file(written(tmp_path / "train.jsonl", blanks), CheckOptions("gpt-4o"))
    if encoding_for("gpt-4o"):
        assert found.counts["too_few_examples"] == 1
        assert found.size is not None
        assert found.size.tokens.total > 1000


def test_an_empty_file_holds_no_example(tmp_path: Path) -> None:
    """The script would end at its first example; blank lines are none."""
    path = tmp_path / "train.jsonl"
    for content in (b"", b"\n \n"):
        path.write_bytes(content)
        assert check_file(path).counts["no_examples"] == 1


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A folder, or nothing at all."""
    for path in (tmp_path, tmp_path / "missing.jsonl"):
        with pytest.raises(InputError, match="cannot be read"):
            check_file(path)


def test_progress_tells_every_byte(tmp_path: Path) -> None:
    """So that a bar comes to its end."""
    done: list[int] = []
    path = written(tmp_path / "train.jsonl", *[{"messages": HI}] * 9, b"")
    check_file(path, CheckOptions("evalkit-tiny"), done.append)
    assert sum(done) == path.stat().st_size


@pytest.mark.parametrize(
    ("examples", "epochs"),
    [(1, 25), (4, 25), (5, 20), (33, 3), (34, 3), (8333, 3), (8334, 2), (25_001, 1), (10**6, 1), (0, 3)],
)
def test_epochs_grow_with_few_examples_and_shrink_with_many(examples: int, epochs: int) -> None:
    """3, between 34 and 8,333 examples."""
    assert default_epochs(examples) == epochs


def test_options_are_frozen_and_checks_compare_by_value(tmp_path: Path) -> None:
    """Two checks of one file are equal; another model makes another check."""
    path = written(tmp_path / "train.jsonl", {"messages": HI})
    options = CheckOptions("evalkit-tiny")
    assert check_file(path, options) == check_file(path, options)
    assert check_file(path, replace(options, model="llama3:8b")) != check_file(path, options)
