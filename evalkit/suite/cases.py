"""Lines of cases and of training data: read, checked, and turned into cases.

A line is OpenAI's chat fine-tuning format, the short form {ask, answer}, or the legacy pair {prompt,
completion}.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.checks.fields import FieldError, fill, shown
from evalkit.checks.strict_json import NotJson, parse
from evalkit.endpoints.base import Message
from evalkit.errors import InputError
from evalkit.suite.document import Document
from evalkit.suite.files import decoded
from evalkit.suite.model import Case, NamedCheck
from evalkit.suite.shape import CaseKeys, MessageKeys

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
PARAMS = ("tools", "parallel_tool_calls", "functions")
MAX_ID_CHARS = 200


def rows(file: Path, data: bytes) -> Iterator[Document]:
    """The lines of a .jsonl or .csv file, blank ones left out.

    Raises:
        InputError: the file is not UTF-8, or a line is no JSON object or CSV row; with the line.
    """
    return _csv_rows(file, decoded(file, data)) if file.suffix == ".csv" else _jsonl_rows(file, data)


def read_keys(row: Document) -> CaseKeys:
    """A line's keys and messages, checked; exactly one of the three forms.

    Raises:
        InputError: what is wrong with it, with its line.
    """
    try:
        if not isinstance(row.data, Mapping):
            raise FieldError((), f"found {shown(row.data)}; write an object with messages, ask or prompt")
        keys = fill(CaseKeys, row.data)
        _check_form(keys)
        for i, message in enumerate(keys.messages or ()):
            _check_message(message, i)
    except FieldError as error:
        raise row.error(error) from error
    return keys


def turns(keys: CaseKeys) -> tuple[Message, ...]:
    """The whole conversation, with the reference as the last assistant message; () for a legacy pair."""
    if keys.messages is not None:
        return keys.messages
    if keys.ask is None:
        return ()
    asked: Message = {"role": "user", "content": keys.ask}
    return (asked,) if keys.answer is None else (asked, {"role": "assistant", "content": keys.answer})


def to_case(keys: CaseKeys, checks: tuple[NamedCheck, ...]) -> Case:
    """A case: the conversation up to the last assistant message, which is the reference.

    Raises:
        FieldError: nothing is left to ask, or the id cannot be used.
    """
    messages, last = _split(turns(keys))
    if keys.prompt is None and not messages:
        raise FieldError(("messages",), "holds nothing to ask; write at least one user message")
    return Case(
        id=_id(keys),
        kind="chat" if keys.prompt is None else "completions",
        messages=messages,
        prompt=keys.prompt,
        reference=_reference(last) if keys.prompt is None else keys.completion,
        reference_calls=_calls(last),
        params=params(keys),
        tags=keys.tags,
        group=keys.group,
        vars=keys.vars,
        checks=checks,
    )


def params(keys: CaseKeys) -> dict[str, Any]:
    """The fields of the line that are sent, and trained on, as they stand."""
    return {name: getattr(keys, name) for name in PARAMS if getattr(keys, name) is not None}


def text_of(message: Message) -> str | None:
    """A message's text: its content, or the text parts of it; None where it has none."""
    content = message.get("content")
    if isinstance(content, list | tuple):
        parts = [part["text"] for part in content if isinstance(part.get("text"), str)]
        return "".join(parts) if parts else None
    return content


class Ids:
    """The ids given so far, each with its line: an id stands for one case. About 100 bytes an id."""

    def __init__(self) -> None:
        self._lines: dict[int, int | None] = {}

    def add(self, case_id: str, row: Document) -> None:
        """Remember an id.

        Raises:
            InputError: another line has it; both lines are named.
        """
        mark, known = hash(case_id), len(self._lines)
        first = self._lines.setdefault(mark, row.line())
        if len(self._lines) == known:
            given = "id" in row.data
            what = f"the id {shown(case_id)} stands" if given else "the same case stands"
            remedy = "write another id" if given else "remove one of them, or give each an id"
            raise row.error(FieldError(("id",) if given else (), f"{what} on line {first} already; {remedy}"))


def json_row(file: Path, number: int, line: bytes) -> Document:
    """One line of a JSONL file.

    Raises:
        InputError: it is no JSON, or not UTF-8.
    """
    try:
        return Document(file, parse(decoded(file, line, number).rstrip("\n")), {(): number})
    except NotJson as error:
        where = f" at column {error.column}" if error.column else ""
        what = f"no JSON: {error.what}{where}; write one JSON object on each line"
        raise InputError(what, file=file, line=number) from error


def _jsonl_rows(file: Path, data: bytes) -> Iterator[Document]:
    for number, line in enumerate(io.BytesIO(data), start=1):
        if line.strip():
            yield json_row(file, number, line)


def _csv_rows(file: Path, text: str) -> Iterator[Document]:
    """The header names the keys; any other column is one of the vars; `tags` are separated by spaces."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header, line = None, 1
    try:
        for values in reader:
            if any(values):
                if header is None:
                    header = _header(file, values)
                else:
                    yield Document(file, _csv_row(file, line, header, values), {(): line})
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(
            f"no CSV: {error}; put quotes around a value with commas", file=file, line=line
        ) from error


def _header(file: Path, names: list[str]) -> list[str]:
    if "ask" not in names and "prompt" not in names:
        raise InputError(
            f"found the columns {', '.join(names)[:200]}; write ask, answer, ...", file=file, line=1
        )
    if len(set(names)) < len(names):
        raise InputError("two columns have the same name; rename one", file=file, line=1)
    return names


def _csv_row(file: Path, line: int, header: list[str], values: list[str]) -> dict[str, Any]:
    if len(values) != len(header):
        raise InputError(f"has {len(values)} values for {len(header)} columns", file=file, line=line)
    row = {name: value for name, value in zip(header, values, strict=True) if value}
    known = {"id", "ask", "answer", "prompt", "completion", "group"}
    data: dict[str, Any] = {name: row[name] for name in known & row.keys()}
    data["tags"] = row.get("tags", "").split()
    data["vars"] = {name: row.get(name, "") for name in header if name not in known | {"tags"}}
    return data


def _check_form(keys: CaseKeys) -> None:
    forms = [name for name in ("messages", "ask", "prompt") if getattr(keys, name) is not None]
    if len(forms) != 1:
        what = f"found {' and '.join(forms)}" if forms else "found nothing to ask"
        raise FieldError((), f"{what}; write one of messages, ask or prompt")
    for name, form in (("answer", "ask"), ("completion", "prompt"), *((name, "messages") for name in PARAMS)):
        if getattr(keys, name) is not None and forms != [form]:
            raise FieldError((name,), f"stands beside {forms[0]}; it goes with {form} only")
    if keys.messages is None and not (keys.ask or keys.prompt or "").strip():
        raise FieldError((forms[0],), "is empty; write what is asked")


def _check_message(message: Mapping[str, Any], i: int) -> None:
    try:
        keys = fill(MessageKeys, message)
    except FieldError as error:
        raise error.under("messages", i) from error
    if keys.role not in ROLES:
        raise FieldError(("messages", i, "role"), f"found {shown(keys.role)}; write {', '.join(ROLES)}")
    calls = keys.tool_calls or keys.function_call or keys.refusal
    if keys.content is None and not (keys.role == "assistant" and calls):
        raise FieldError(("messages", i, "content"), "is missing; write the message's text")


def _split(messages: Sequence[Message]) -> tuple[tuple[Message, ...], Message]:
    """What is asked, without training weights; and the assistant message that ends it, {} without one."""
    last: Message = {}
    if messages and messages[-1]["role"] == "assistant":
        *messages, last = messages
    asked = tuple({key: value for key, value in message.items() if key != "weight"} for message in messages)
    return asked, last


def _reference(last: Message) -> str | None:
    """Its text; beside tool calls an empty one is none."""
    text = text_of(last)
    return None if _calls(last) and not text else text


def _calls(last: Message) -> tuple[Mapping[str, Any], ...]:
    """Its tool calls; a `function_call`, as it was called before, in today's form."""
    call = last.get("function_call")
    return (*(last.get("tool_calls") or ()), *([{"type": "function", "function": call}] if call else ()))


def _id(keys: CaseKeys) -> str:
    """The given id, or a hash of what is asked and answered."""
    if keys.id is not None:
        if not keys.id.isprintable() or not 0 < len(keys.id.strip()) <= MAX_ID_CHARS:
            raise FieldError(
                ("id",), f"found {shown(keys.id)}; write 1 to {MAX_ID_CHARS} printable characters"
            )
        return keys.id
    content = [turns(keys), keys.prompt, keys.completion, params(keys), keys.vars]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
