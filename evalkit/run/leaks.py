"""Which cases of a suite stand in its training data: found before a run, kept in its run.json."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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


def find_leaks(suites: Iterable[Suite], files: Mapping[str, Sequence[Path]]) -> dict[str, Json]:
    """For run.json: by suite, its leaked cases by id, each with what leaked, where to and how nearly.

    A suite without leaks is not named.

    Args:
        suites: with all their cases.
        files: what the models of each suite have learned from; where a case stands in two, the first counts.
    """
    found: dict[str, Json] = {}
    for suite in suites:
        leaked: Json = {}
        for file in files.get(suite.name, ()):
            leaked = {**_leaks(suite, file), **leaked}
        if leaked:
            cases = {case.id: leaked[case.id] for case in suite.cases if case.id in leaked}
            found[suite.name] = {"threshold": THRESHOLD, "cases": cases}
    return found


def leaked_cases(info: Mapping[str, Any]) -> dict[str, Collection[str]]:
    """The ids of the leaked cases by suite, from run.json."""
    return {suite: frozenset(found["cases"]) for suite, found in info.get("leaks", {}).items()}


def warnings(found: Mapping[str, Json], suites: Iterable[Suite]) -> Iterator[str]:
    """A line for each suite with leaks."""
    for suite in suites:
        if leaked := found.get(suite.name, {}).get("cases"):
            files = ", ".join(sorted({leak["train"] for leak in leaked.values()}))
            yield (
                f"{suite.name}: {len(leaked)} of {len(suite.cases)} cases stand in {files}, or nearly so; "
                "their pass rates are shown apart (evalkit dataset leaks shows them)"
            )


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
