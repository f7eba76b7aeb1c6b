"""Training data, looked at before anything is uploaded."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from evalkit.dataset.check import Check, CheckOptions, check_file
from evalkit.dataset.finding import Finding
from evalkit.errors import InputError
from evalkit.report.escape import clip, printable

LONGEST_LINE = 300


def checked(data: bytes, model: str) -> Check:
    """What `evalkit dataset check` finds in a training file that is only in memory."""
    with tempfile.TemporaryDirectory(prefix="evalkit-check-") as folder:
        file = Path(folder) / "training.jsonl"
        file.write_bytes(data)
        return check_file(file, CheckOptions(model))


def see_that_it_fits(name: str, check: Check) -> None:
    """Tell on stderr what was found; what is merely odd does not stop a job.

    Raises:
        InputError: there are errors; the first is in the message, more of them on stderr.
    """
    for finding in check.findings:
        print(_line(name, finding), file=sys.stderr)
    if check.errors:
        first = next(finding for finding in check.findings if finding.severity == "error")
        what = f"{first.message}; {first.remedy} ({check.errors} errors, nothing was uploaded)"
        raise InputError(what, file=name, line=first.line or None)


def _line(name: str, finding: Finding) -> str:
    place = f"{name}:{finding.line}" if finding.line else name
    return clip(printable(f"{place}: {finding.severity}: {finding}"), LONGEST_LINE)
