"""A training file checked: what is wrong with it, and the figures that the data-preparation script prints."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evalkit.dataset.distribution import Distribution
from evalkit.dataset.finding import ERRORS, Fault, Finding
from evalkit.dataset.limits import FEWEST_EXAMPLES, MOST_BYTES, token_limit
from evalkit.dataset.notebook import DEFAULT_MODEL, default_epochs
from evalkit.dataset.rules import Form
from evalkit.dataset.scan import Scan, scan_file
from evalkit.dataset.tally import Log, Tally
from evalkit.errors import InputError
from evalkit.tokens import encoding_for

FEW = 5
"""Findings of one rule that are shown where not all are asked for."""


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """How to check.

    Attributes:
        model: whose encoding counts tokens and whose limit warns; as it comes, the script's.
        keep: how many findings of each rule are kept; all are counted.
        processes: how many share the work; None for one a core.
    """

    model: str = DEFAULT_MODEL
    keep: int = FEW
    processes: int | None = None


@dataclass(frozen=True, slots=True)
class Size:
    """How large a file is in tokens.

    Attributes:
        tokens, assistant: of each example, of its assistant messages; both outputs of a preference pair.
        answers: the tokens of the examples' last answers together; what one call gives back.
        system: the tokens of the examples' system messages together.
        tools: about as many tokens the declarations of tools are, together; the script leaves them out.
        over_limit: how many examples are cut off.
        billed: the tokens of one epoch, none of an example beyond the limit.
    """

    tokens: Distribution
    assistant: Distribution
    answers: int
    system: int
    tools: int
    over_limit: int
    billed: int


@dataclass(frozen=True, slots=True)
class Script:
    """What OpenAI's data-preparation script says of the file.

    Attributes:
        errors: its own error names, counted as it counts them, in the order in which it meets them.
        stop: the line at which it would end with an exception, and why; None where it survives. Figures of a
            file that it does not survive are evalkit's own.
    """

    errors: Mapping[str, int]
    stop: tuple[int, str] | None


@dataclass(frozen=True, slots=True)
class Check:
    """All that is known of a training file.

    Attributes:
        findings: the first of each rule, by line.
        counts: how many findings each rule has.
        examples: lines that are not blank.
        first: the first example; None where it could not be read.
        messages: how many each example has; None where no example has any.
        size: None where there is nothing to count, or the model's encoding cannot be had.
        epochs: how many a job takes where none are named.
    """

    path: Path
    model: str
    encoding: str | None
    token_limit: int | None
    bytes: int
    lines: int
    examples: int
    first: Any
    forms: Mapping[Form, int]
    findings: tuple[Finding, ...]
    counts: Mapping[str, int]
    script: Script
    without_system: int
    without_user: int
    messages: Distribution | None
    size: Size | None

    @property
    def errors(self) -> int:
        """How many findings make the file unfit for a job."""
        return sum(count for rule, count in self.counts.items() if rule in ERRORS)

    @property
    def warnings(self) -> int:
        """How many findings do not."""
        return sum(self.counts.values()) - self.errors

    @property
    def epochs(self) -> int:
        """What `auto` comes to, by the script."""
        return default_epochs(self.examples)


def check_file(
    path: Path, options: CheckOptions | None = None, advance: Callable[[int], object] | None = None
) -> Check:
    """Check a training file, of whatever size; nothing leaves the machine.

    Args:
        path: a JSONL file.
        options: how to check.
        advance: called now and then with the number of bytes that were read since.

    Raises:
        InputError: the file cannot be read.
    """
    options = options or CheckOptions()
    try:
        size = path.stat().st_size
        tally = scan_file(path, Scan(options.model, options.keep), advance or _quiet, options.processes)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from error
    for finding in _file_findings(tally, size):
        tally.log.add(finding)
    _note_duplicates(tally)
    return _checked(path, size, options.model, tally)


def _quiet(_: int) -> None:
    """Nobody watches."""


def _checked(path: Path, size: int, model: str, tally: Tally) -> Check:
    limit, encoding = token_limit(model), encoding_for(model)
    return Check(
        path=path,
        model=model,
        encoding=encoding.name if encoding else None,
        token_limit=limit,
        bytes=size,
        lines=tally.lines,
        examples=tally.examples,
        first=tally.first,
        forms=dict(tally.forms),
        findings=_by_line(tally.log),
        counts=dict(tally.log.counts),
        script=Script(dict(tally.script_errors), tally.script_stop),
        without_system=tally.without_system,
        without_user=tally.without_user,
        messages=Distribution(tally.sizes.messages) if tally.sizes.messages else None,
        size=_size(tally, limit) if encoding and tally.sizes.tokens else None,
    )


def _by_line(log: Log) -> tuple[Finding, ...]:
    return tuple(sorted((one for kept in log.kept.values() for one in kept), key=lambda one: one.line))


def _size(tally: Tally, limit: int | None) -> Size:
    sizes, tokens = tally.sizes, Distribution(tally.sizes.tokens)
    return Size(
        tokens=tokens,
        assistant=Distribution(sizes.assistant),
        answers=sizes.answers,
        system=sizes.system,
        tools=sizes.tools,
        over_limit=0 if limit is None else tokens.above(limit),
        billed=tokens.capped(limit),
    )


def _file_findings(tally: Tally, size: int) -> Iterator[Finding]:
    """What no line shows by itself."""
    if not tally.examples:
        yield Fault("no_examples", "the file holds no example", 'write {"messages": [...]} on each line').on(
            0
        )
    elif tally.examples < FEWEST_EXAMPLES:
        what = f"{tally.examples} examples; a job needs at least {FEWEST_EXAMPLES}"
        yield Fault("too_few_examples", what, "write more").on(0)
    if size > MOST_BYTES:
        what = f"{size:,} bytes; an upload may have {MOST_BYTES:,}"
        yield Fault("file_too_large", what, "leave out examples: fewer good ones do as well").on(0)
    yield from _mixed(tally.form_lines)


def _mixed(form_lines: Mapping[Form, int]) -> Iterator[Finding]:
    (first, at), *others = sorted(form_lines.items(), key=lambda item: item[1]) or [("chat", 0)]
    for form, line in others:
        what = f"a {form} example in a file of {first} examples (line {at})"
        yield Fault("mixed_formats", what, "put each form into a file of its own").on(line)


def _note_duplicates(tally: Tally) -> None:
    """Count examples that stand in the file already; of millions, a few become findings."""
    again = _repeated(tally.digests, tally.digest_lines)
    if len(again):
        for line, first in again[: tally.log.keep].tolist():
            what = f"the same as line {first}"
            tally.log.add(Fault("duplicate_example", what, "remove one of them").on(line))
        tally.log.counts["duplicate_example"] = len(again)


def _repeated(digests: array[int], lines: array[int]) -> NDArray[np.uint32]:
    """A row (line, first line with the same digest) for each repetition, by line.

    Equal digests stand side by side once sorted; a stable sort leaves the first line first.
    """
    numbers, values = np.frombuffer(lines, np.uint32), np.frombuffer(digests, np.uint64)
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    again = np.flatnonzero(ordered[1:] == ordered[:-1]) + 1
    firsts = np.searchsorted(ordered, ordered[again])
    pairs = np.column_stack([numbers[order[again]], numbers[order[firsts]]])
    return pairs[np.argsort(pairs[:, 0])]
