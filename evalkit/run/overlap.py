"""A suite's cases held against training data. Loads numpy: imported where there are such data."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.dataset.conversation import Conversation, conversation
from evalkit.dataset.examples import ExampleFile
from evalkit.dataset.leaks import leaks
from evalkit.dataset.near import THRESHOLD
from evalkit.suite.cases import rows
from evalkit.suite.files import Folder
from evalkit.suite.model import Case, Suite

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Training:
    """Training data: conversations, and the line of each in its file."""

    examples: Sequence[Conversation]
    lines: Sequence[int]


def read_training(file: Path) -> Training:
    """The examples of a training file, JSONL or CSV, in memory.

    Raises:
        InputError: it cannot be read.
    """
    if file.suffix == ".csv":
        found = list(rows(file, Folder(file.parent).bytes(file)))
        return Training([conversation(row.data) for row in found], [row.line() or 0 for row in found])
    with closing(ExampleFile(file)) as examples:
        return Training(list(examples), examples.numbers)


def held_out(suite: Suite) -> dict[str, Conversation]:
    """What the suite's cases ask, and the answers that they hold, by id."""
    return {case.id: _conversation(case) for case in suite.cases}


def overlap(suite: Suite, files: Sequence[Path]) -> Json:
    """For run.json: the cases that stand in training files, by id: what leaked, where to and how nearly.

    Args:
        suite: with all its cases.
        files: where a case stands in two, the first counts.

    Raises:
        InputError: a file cannot be read.
    """
    leaked: Json = {}
    for file in files:
        leaked = {**_leaks(suite, file), **leaked}
    cases = {case.id: leaked[case.id] for case in suite.cases if case.id in leaked}
    return {"threshold": THRESHOLD, "cases": cases}


def _leaks(suite: Suite, file: Path) -> Json:
    training = read_training(file)
    return {
        leak.case: {
            "part": leak.part,
            "similarity": round(leak.similarity, 3),
            "train": file.name,
            "line": training.lines[leak.example],
        }
        for leak in leaks(training.examples, held_out(suite))
    }


def _conversation(case: Case) -> Conversation:
    """All that the case asks, and its reference; what the assistant said before is neither."""
    asked = case.messages if case.prompt is None else ({"role": "user", "content": case.prompt},)
    reference = {"role": "assistant", "content": case.reference, "tool_calls": case.reference_calls}
    messages = [*(message for message in asked if message["role"] != "assistant"), reference]
    return conversation({"messages": messages, "vars": case.vars})
