"""Which cases of a suite stand in its training data: found before a run, kept in its run.json."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalkit.dataset.conversation import Conversation, conversation
from evalkit.dataset.leaks import Leak, leaks
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
    """The examples of a suite's training file, JSONL or CSV.

    Raises:
        InputError: it cannot be read.
    """
    found = list(rows(file, Folder(file.parent).bytes(file)))
    return Training([conversation(row.data) for row in found], [row.line() or 0 for row in found])


def held_out(suite: Suite) -> dict[str, Conversation]:
    """What the suite's cases ask, and the answers that they hold, by id."""
    return {case.id: _conversation(case) for case in suite.cases}


def find_leaks(suites: Iterable[Suite]) -> dict[str, Json]:
    """For run.json: by suite, its leaked cases by id, each with what leaked, where to and how nearly.

    A suite without training data, or without leaks, is not named.
    """
    found = {}
    for suite in suites:
        if suite.train is not None and (leaked := _leaks(suite, read_training(suite.train))):
            found[suite.name] = {"threshold": THRESHOLD, "train": suite.train.name, "cases": leaked}
    return found


def leaked_cases(info: Mapping[str, Any]) -> dict[str, Collection[str]]:
    """The ids of the leaked cases by suite, from run.json."""
    return {suite: frozenset(found["cases"]) for suite, found in info.get("leaks", {}).items()}


def warnings(found: Mapping[str, Json], suites: Iterable[Suite]) -> list[str]:
    """A line for each suite with leaks."""
    counts = {suite.name: len(suite.cases) for suite in suites}
    return [
        f"{name}: {len(leak['cases'])} of {counts[name]} cases stand in {leak['train']}, or nearly so; their "
        f"pass rates are shown apart (evalkit dataset leaks names them)"
        for name, leak in found.items()
    ]


def _leaks(suite: Suite, training: Training) -> Json:
    return {leak.case: _to_json(leak, training.lines) for leak in leaks(training.examples, held_out(suite))}


def _to_json(leak: Leak, lines: Sequence[int]) -> Json:
    return {"part": leak.part, "similarity": round(leak.similarity, 3), "line": lines[leak.example]}


def _conversation(case: Case) -> Conversation:
    """All that the case asks, and its reference; what the assistant said before is neither."""
    asked = case.messages if case.prompt is None else ({"role": "user", "content": case.prompt},)
    reference = {"role": "assistant", "content": case.reference, "tool_calls": case.reference_calls}
    messages = [*(message for message in asked if message["role"] != "assistant"), reference]
    return conversation({"messages": messages, "vars": case.vars})
