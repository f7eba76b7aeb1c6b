"""Training examples out of a run: what a strong model answered well, and what has to be corrected by hand.

Each example asks its case as an ft model will be asked (the long prompt cut, see `suite.compose`).
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.endpoints.base import Message
from evalkit.run.codec import passed
from evalkit.run.records import Record
from evalkit.suite import compose
from evalkit.suite.cases import PARAMS
from evalkit.suite.model import Case, Suite, Variant

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Example:
    """One line of a training file.

    Attributes:
        case: from which it comes.
        line: OpenAI's keys: messages with tools, or a legacy pair.
        record: the answer that passed, or failed.
    """

    case: Case
    line: Json
    record: Record


@dataclass(frozen=True, slots=True)
class Built:
    """The examples, in the order of the records, and how many records were left out, by the reason."""

    examples: tuple[Example, ...]
    left_out: Mapping[str, int]

    @property
    def cases(self) -> frozenset[str]:
        """The ids of the cases that the examples come from."""
        return frozenset(example.case.id for example in self.examples)


def build_passed(suite: Suite, variant: Variant, records: Iterable[Record]) -> Built:
    """The answers of a variant that passed every check, each different one once, as answers to learn.

    Args:
        suite: as it is now; cases that have changed since the run are left out.
        variant: how the run asked it.
        records: of the run.
    """
    return _built(suite, variant, records, wanted=True)


def build_failed(suite: Suite, variant: Variant, records: Iterable[Record]) -> Built:
    """The cases that a variant failed, once each, with the reference to learn, or with an empty answer.

    To be corrected by hand: a reference may be no more than a word that the answer must contain.
    """
    return _built(suite, variant, records, wanted=False)


def _built(suite: Suite, variant: Variant, records: Iterable[Record], *, wanted: bool) -> Built:
    cases = {case.id: case for case in suite.cases}
    examples: dict[str, Example] = {}
    left_out: Counter[str] = Counter()
    for record in records:
        if (record.suite, record.variant) != (suite.name, variant.name):
            continue
        case = cases.get(record.case)
        why = _unfit(record, wanted=wanted) or _changed(suite, case, variant, record)
        if case is None or why:
            left_out[why] += 1
            continue
        line = _line(suite, case, _passing(record) if wanted else _due(case))
        if examples.setdefault(json.dumps(line), Example(case, line, record)).record is not record:
            left_out["repeats another one"] += 1
    return Built(tuple(examples.values()), left_out)


def _unfit(record: Record, *, wanted: bool) -> str:
    """Why a record is not wanted; "" if it is. Errors and unread verdicts are neither passed nor failed."""
    if record.error is not None or record.response is None:
        return "was not answered"
    found = passed(record.verdicts)
    if found is None:
        return "is undecided"
    return "" if found is wanted else ("failed" if wanted else "passed")


def _changed(suite: Suite, case: Case | None, variant: Variant, record: Record) -> str:
    """Why a record says nothing of the suite as it is now; "" if it does."""
    if case is None:
        return "is of a case that the suite no longer has"
    now, then = compose(suite, case, variant), record.request
    same = _plain([now.messages, now.prompt]) == _plain([then.messages, then.prompt])
    return "" if same else "is of a case, or a prompt, that has changed since"


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # a tuple and a list are one, as in the records


def _line(suite: Suite, case: Case, answer: Message) -> Json:
    """The case as an ft model is asked, and the answer to learn; ids and tags OpenAI does not take."""
    asked = compose(suite, case, Variant("ft", "", "", prompt="short"))
    if asked.messages is None:
        return {"prompt": asked.prompt, "completion": answer["content"] or ""}
    tools = {name: asked.params[name] for name in PARAMS if name in asked.params}
    return {"messages": [*map(dict, asked.messages), dict(answer)], **tools}


def _passing(record: Record) -> Message:
    assert record.response is not None  # or it would not have passed
    return _message(record.response.text, record.response.tool_calls)


def _due(case: Case) -> Message:
    return _message(case.reference or None, case.reference_calls)


def _message(text: str | None, calls: Sequence[Mapping[str, Any]]) -> Message:
    """An assistant message: text, calls, or both; without either its text is empty."""
    if not calls:
        return {"role": "assistant", "content": text or ""}
    said = {"content": text} if text else {}
    return {"role": "assistant", **said, "tool_calls": list(calls)}
