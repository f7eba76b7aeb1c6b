"""What a fine-tune learns from: a suite's lines or a file, and the system messages in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from evalkit.errors import InputError, UsageError
from evalkit.tune.training import Systems, TrainingData, read_training, systems_of

SUITE = """
prompt: Answer in capitals.
{more}
cases: [{{ask: oslo, answer: OSLO}}]
train: train.jsonl
checks: [equals]
"""


def suite(folder: Path, more: str = "") -> Path:
    """A suite with two training lines, the second with a system message of its own."""
    folder.mkdir()
    (folder / "suite.yaml").write_text(SUITE.format(more=more), "utf-8")
    own = [{"role": "system", "content": "Own."}, {"role": "user", "content": "b"}]
    lines = [{"ask": "a", "answer": "A"}, {"messages": [*own, {"role": "assistant", "content": "B"}]}]
    (folder / "train.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    return folder


def test_the_prompt_is_kept_only_if_that_is_wanted(tmp_path: Path) -> None:
    """Without it, each line's own system message stays; with it, it stands in place of them all."""
    folder = suite(tmp_path / "words")
    plain, kept = read_training(folder), read_training(folder, keep_prompt=True)
    assert systems_of(plain.lines) == Systems(2, None)
    assert systems_of(kept.lines) == Systems(1, "Answer in capitals.")
    assert (plain.name, plain.prompt, kept.prompt) == ("words", "short", "long")


def test_the_short_prompt_is_what_ft_learns_with(tmp_path: Path) -> None:
    """It is what ft will be sent."""
    training = read_training(suite(tmp_path / "words", "short_prompt: Be loud."))
    assert systems_of(training.lines) == Systems(1, "Be loud.")


def test_a_file_is_taken_as_it_stands(tmp_path: Path) -> None:
    """Byte for byte; there is no prompt that could be kept."""
    file = tmp_path / "lines.jsonl"
    file.write_bytes(b'{"prompt": "a",   "completion": "b"}\r\n')
    training = read_training(file)
    assert (training.name, training.data) == ("lines", file.read_bytes())
    assert training.first_question == {"prompt": "a"}
    with pytest.raises(UsageError, match="--keep-prompt is for suites"):
        read_training(file, keep_prompt=True)


def test_what_is_no_training_data_is_refused(tmp_path: Path) -> None:
    """A missing file, and a file of another kind."""
    with pytest.raises(InputError, match=r"train\.jsonl: cannot be read"):
        read_training(tmp_path / "train.jsonl")
    with pytest.raises(InputError, match=r"write a suite's folder, or a file whose name ends in \.jsonl"):
        read_training(tmp_path / "train.csv")


def test_preferences_are_learned_by_dpo() -> None:
    """The data say which method they are for; their question stands under `input`."""
    turns = [{"role": "user", "content": "hi"}]
    best = [{"role": "assistant", "content": "Hello"}]
    line = {"input": {"messages": turns}, "preferred_output": best, "non_preferred_output": best}
    training = TrainingData("pairs", "pairs.jsonl", json.dumps(line).encode())
    assert training.method == "dpo"
    assert training.first_question == {"messages": turns}
    assert systems_of(training.lines) == Systems(1, None)


def test_the_first_question_ends_before_the_answer() -> None:
    """It is asked of the new model, to see that it is ready; lines that are none are passed over."""
    turns = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "Hello"}]
    training = TrainingData("x", "x.jsonl", b"[1]\n" + json.dumps({"messages": turns}).encode())
    assert training.first_question == {"messages": turns[:1]}
    assert TrainingData("x", "x.jsonl", b"").first_question is None
