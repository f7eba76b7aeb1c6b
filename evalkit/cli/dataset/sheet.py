"""What a person needs to correct failed answers: the sheet beside a file of them, in Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from evalkit.report.escape import markdown_code, markdown_text
from evalkit.run.build import Example


def sheet(examples: Iterable[Example]) -> str:
    """For each line of the file what was asked, answered and due, and why the answer failed; all escaped."""
    lines = (line for number, example in enumerate(examples, start=1) for line in _entry(number, example))
    return "\n".join(["# Answers to correct", "", *lines])


def _entry(number: int, example: Example) -> Iterator[str]:
    response = example.record.response
    yield from (f"## Line {number}: {markdown_text(example.case.id)}", "", "Asked:", "")
    yield from _quoted(_asked(example))
    if response is not None:
        yield from ("Answered:", "")
        yield from _quoted(_said(response.text, response.tool_calls))
    yield from ("Failed:", "")
    for verdict in example.record.verdicts:
        if verdict.passed is False:
            yield f"- {markdown_text(verdict.check)}: {markdown_code(verdict.reason)}"
    yield from ("", "Due:", "")
    yield from _quoted(_said(example.case.reference, example.case.reference_calls) or "(no reference)")


def _asked(example: Example) -> str:
    request = example.record.request
    turns = [message for message in request.messages or () if message["role"] != "system"]
    return "\n".join(_said(turn.get("content"), turn.get("tool_calls", ())) for turn in turns) or str(
        request.prompt
    )


def _said(content: Any, calls: Any) -> str:
    """A text, or what stands in place of it, as JSON."""
    text = content if isinstance(content, str | None) else json.dumps(content, ensure_ascii=False)
    return "\n".join([*([text] if text else []), *(json.dumps(call, ensure_ascii=False) for call in calls)])


def _quoted(text: str) -> Iterator[str]:
    """A block in which nothing means anything: each line is a code span of a quotation."""
    yield from (f"> {markdown_code(line)}  " for line in text.split("\n"))
    yield ""
