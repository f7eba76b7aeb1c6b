"""Training data, looked at before anything is uploaded."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from evalkit.dataset.finding import Finding
from evalkit.dataset.rules import findings_of
from evalkit.errors import InputError
from evalkit.report.escape import clip, printable

SHOWN = 20
FEWEST = 10
"""Examples that a job needs."""


def check(name: str, data: bytes) -> None:
    """See that every line is an example; what is merely odd is told on stderr.

    Raises:
        InputError: a line cannot be trained on; the first is in the message, more are on stderr.
    """
    found = list(_findings(data))
    errors = [finding for finding in found if finding.severity == "error"]
    for finding in [*errors, *(each for each in found if each.severity == "warning")][:SHOWN]:
        print(_line(name, finding), file=sys.stderr)
    if len(found) > SHOWN:
        print(f"... and {len(found) - SHOWN} more: evalkit dataset check shows all", file=sys.stderr)
    if errors:
        first = errors[0]
        what = f"{first.message}; {first.remedy} ({len(errors)} such findings, nothing was uploaded)"
        raise InputError(what, file=name, line=first.line)
    count = sum(1 for line in data.split(b"\n") if line.strip())
    if count < FEWEST:
        print(f"{name}: {count} examples; most servers want at least {FEWEST}", file=sys.stderr)


def _findings(data: bytes) -> Iterator[Finding]:
    lines = data.removesuffix(b"\n").split(b"\n")
    for number, raw in enumerate(lines, 1):
        yield from findings_of(number, raw)


def _line(name: str, finding: Finding) -> str:
    text = f"{name}:{finding.line}: {finding.severity}: {finding.rule}: {finding.message}; {finding.remedy}"
    return clip(printable(text), 300)
