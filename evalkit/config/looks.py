"""The looks that were taken at a candidate: kept in evalkit.lock, so that looking again is not free.

Whoever tests the same candidate until it passes ships a worse one more often than alpha says: two looks at 5%
are wrong in 8%, four in 12%.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from evalkit.config.lock import FILE_NAME, Document, change_document, read_document
from evalkit.errors import InputError


class Look(msgspec.Struct, frozen=True):
    """One decision on one candidate.

    Attributes:
        suite, candidate, baseline: what was compared; models with the hash of their weights.
        data: a digest of all answers. rules: of the suite's files.
        cases: pairs of answers that were seen.
        margin, alpha: as the suite had them.
        level: what this look was tested at. spent: of alpha, this look and all before it together.
        word: what was decided. run: its folder's name. at: UTC, ISO 8601.
    """

    suite: str
    candidate: str
    baseline: str
    data: str
    rules: str
    cases: int
    margin: float
    alpha: float
    level: float
    spent: float
    word: Literal["ship", "dont_ship", "inconclusive"]
    run: str
    at: str

    def same_models(self, other: Look) -> bool:
        """Whether both are of one suite, candidate and baseline."""
        mine, theirs = ((each.suite, each.candidate, each.baseline) for each in (self, other))
        return mine == theirs


def read_looks(folder: Path) -> tuple[Look, ...]:
    """Those of evalkit.lock in `folder`, oldest first.

    Raises:
        InputError: it cannot be read.
    """
    return _looks(folder, read_document(folder))


def keep_look(folder: Path, look: Look) -> None:
    """Add one, in place of one at the same data.

    Raises:
        InputError, StorageError: as `evalkit.config.lock.keep`.
    """

    def changed(document: Document) -> Document:
        before = _looks(folder, document)
        kept = [each for each in before if not (each.same_models(look) and each.data == look.data)]
        return {**document, "looks": msgspec.to_builtins([*kept, look])}

    change_document(folder, changed)


def _looks(folder: Path, document: Document) -> tuple[Look, ...]:
    try:
        return msgspec.convert(document.get("looks", ()), tuple[Look, ...])
    except msgspec.ValidationError as fault:
        what = f"{fault}; mend it, or take it back from version control"
        raise InputError(what, file=folder / FILE_NAME, field="looks") from fault
