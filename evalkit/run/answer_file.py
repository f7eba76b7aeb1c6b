"""The file that a recording adds its answers to, one line each; what is in it is not asked for again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from evalkit.endpoints.base import RECORDED
from evalkit.endpoints.recorded import Placed, parse_line, read_recorded
from evalkit.errors import InputError, StorageError, UsageError
from evalkit.jsontext import encode
from evalkit.run.appending import Appending
from evalkit.run.codec import record_from_json
from evalkit.run.plan import Plan, TaskKey, mark
from evalkit.run.records import Record
from evalkit.run.store import locked
from evalkit.suite import compose
from evalkit.suite.model import Case, Suite, Variant
from evalkit.suite.stored import LazyCases

BLOCK_BYTES = 65_536

LAST = 0
"""The number of a last line that has no end, where lines are not counted."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is asked, of whom, and where the answers go.

    Attributes:
        suite: the cases; its checks are not looked at.
        variant: how they are asked.
        out: the file that answers are added to.
        of_suite: whether lines name suite and variant; those of a bare file of cases do not.
        repeat: how often each case is asked.
    """

    suite: Suite
    variant: Variant
    out: Path
    of_suite: bool
    repeat: int = 1

    @property
    def plan(self) -> Plan:
        """All that is to be asked, without checks."""
        cases = _Unchecked(self.suite.cases) if self.suite.case_checks else self.suite.cases
        suite = replace(self.suite, cases=cases, checks=(), case_checks=False)
        return Plan((suite,), {suite.name: (self.variant,)}, self.repeat)

    def line(self, record: Record) -> bytes:
        """A record as a line of recorded answers; nothing where there is no answer."""
        response = record.response
        if response is None:
            return b""
        said = {
            **self._label(record.case),
            "repeat": record.repeat if self.repeat > 1 else None,
            "messages": record.request.messages,
            "prompt": record.request.prompt,
            "text": response.text,
            "tool_calls": response.tool_calls or None,
            "reasoning": response.reasoning,
            "refusal": response.refusal,
            "finish_reason": response.finish_reason,
            "usage": asdict(response.usage),
            "latency_ms": response.latency_ms,
            "model": record.request.model,
            "at": record.at,
        }
        return (
            encode({key: value for key, value in said.items() if value is not None or key == "text"}) + b"\n"
        )

    @property
    def beginning(self) -> bytes:
        """What every line begins with: by that a torn one is known."""
        return encode(self._label(""))[: -len(b'"}')]

    @property
    def labels(self) -> tuple[str | None, str]:
        """Suite and variant, as the reader of its lines finds them."""
        return (self.suite.name, self.variant.name) if self.of_suite else (None, RECORDED)

    def _label(self, case: str) -> dict[str, str]:
        of_suite = {"suite": self.suite.name, "variant": self.variant.name} if self.of_suite else {}
        return {**of_suite, "case": case}


class AnswerFile:
    """The file that answers are added to, one writer at a time.

    What it holds already must be answers of the same cases, asked in the same way of the same model; a last
    line that was cut off is taken away.

    Args:
        recording: what its lines must be.

    Attributes:
        done: the marks of what it holds.

    Raises:
        UsageError: it holds something else, or another process is adding to it.
        StorageError: it cannot be written. So does `append`.
    """

    def __init__(self, recording: Recording):
        self._recording, self.path = recording, recording.out
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = Appending(self.path)
        except OSError as fault:
            raise self._cannot_write(fault) from fault
        with ExitStack() as opened:
            opened.callback(self._file.close)
            opened.callback(os.close, locked(self.path))
            self.done = self._held()
            self._opened = opened.pop_all()

    def append(self, lines: Sequence[bytes]) -> None:
        """Add answers, which come as lines of records.jsonl; once this returns they outlive a kill."""
        answers = [self._recording.line(record_from_json(json.loads(line))) for line in lines]
        try:
            self._file.append(answers)
        except OSError as fault:
            raise self._cannot_write(fault) from fault

    def close(self) -> None:
        """Let go of the file; what was added is safe from a power cut too."""
        try:
            self._opened.close()
        except OSError as fault:
            raise self._cannot_write(fault) from fault

    def _held(self) -> frozenset[int]:
        """The marks of the answers that are there already; a line without its end is mended."""
        end = self.path.stat().st_size
        if not end:
            return frozenset()
        with self.path.open("rb") as file:
            tail = _last_line(file, end)
        places = {case.id: place for place, case in enumerate(self._recording.suite.cases)}
        held = [self._key(each, places) for each in self._lines(end - len(tail))]
        if tail:
            held += [self._key(each, places) for each in self._mended(tail, end - len(tail))]
        return frozenset(mark(key) for key in held if key[-1] < self._recording.repeat)

    def _lines(self, until: int) -> Iterator[Placed]:
        try:
            yield from read_recorded(self.path, until)
        except InputError as fault:
            raise self._other(str(fault)) from fault

    def _mended(self, tail: bytes, start: int) -> Iterator[Placed]:
        """The last line, if only its end is missing, which is added then; else what was cut off goes."""
        try:
            line = parse_line(self.path, LAST, tail)
        except InputError as fault:
            beginning = self._recording.beginning
            if not (tail.startswith(beginning) or beginning.startswith(tail)):
                raise self._other("its last line is no answer of this recording") from fault
            os.truncate(self.path, start)
        else:
            yield Placed(line, LAST, start)
            self._file.append([b"\n"])

    def _key(self, held: Placed, places: Mapping[str, int]) -> TaskKey:
        """What an answer is for; it must be one of ours."""
        suite, variant, line = self._recording.suite, self._recording.variant, held.line
        where = "the last line" if held.number == LAST else f"line {held.number}"
        if line.case is None or line.case not in places:
            raise self._other(f"{where} answers another case ({line.case})")
        if (line.suite, line.variant) != self._recording.labels:
            raise self._other(f"{where} is of the variant {line.variant} (suite {line.suite})")
        case, repeat = suite.cases[places[line.case]], line.repeat or 0
        sent = compose(suite, case, variant, repeat)
        if line.model != sent.model:
            raise self._other(f"{where} is an answer of {line.model}, not of {sent.model}")
        if _plain(line.messages, line.prompt) != _plain(sent.messages, sent.prompt):
            raise self._other(f"{where} was asked in another way")
        return (suite.name, case.id, variant.name, repeat)

    def _other(self, what: str) -> UsageError:
        return UsageError(f"--out {self.path} holds something else: {what}; name another file")

    def _cannot_write(self, fault: OSError) -> StorageError:
        return StorageError(
            f"{self.path}: cannot be written ({fault.strerror or fault}); free space and give the same "
            "command again, or name another file with --out"
        )


class _Unchecked(LazyCases):
    """Cases without checks of their own."""

    def __init__(self, cases: Sequence[Case]):
        self._cases = cases

    def __len__(self) -> int:
        return len(self._cases)

    def _at(self, index: int) -> Case:
        return replace(self._cases[index], checks=())


def _last_line(file: BinaryIO, end: int) -> bytes:
    """What stands behind the last line end; nothing in a file that was written to its end."""
    tail, start = b"", end
    while start and b"\n" not in tail:
        start = max(0, start - BLOCK_BYTES)
        file.seek(start)
        tail = file.read(end - start)
    return tail.rpartition(b"\n")[2]


def _plain(*asked: Any) -> bytes:
    return encode(asked)  # a tuple and a list are one
