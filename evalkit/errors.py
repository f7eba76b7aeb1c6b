"""The exceptions of evalkit, drawn:

    EvalkitError                   exit code
    ├── UsageError                 4    a flag, a configuration or a suite that cannot be used as it is
    │   └── InputError             4    the same, with the place: file, line and field
    ├── NothingCollected           5    no case was selected
    ├── BudgetReached              11   --max-cost would be passed by the next request
    ├── StorageError               4    the run folder cannot be written (full disk, read-only folder)
    └── AskError                   -    one request got no answer; its case has `error`, and is never scored

Every message says what was found, where, and how to mend it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class EvalkitError(Exception):
    """Base of all errors that evalkit raises on purpose; shown to the user without a traceback."""

    exit_code = 3


class UsageError(EvalkitError):
    """Something that the user named cannot be used as it is."""

    exit_code = 4


class InputError(UsageError):
    """A fault in a file, with its place.

    Args:
        what: what was found and what to write instead.
        file: the file in which it stands.
        line: its line, counted from 1, where known.
        field: the dotted path of the field, e.g. `checks[2].length.max`, where known.
    """

    def __init__(self, what: str, *, file: Path | str, line: int | None = None, field: str | None = None):
        self.what, self.file, self.line, self.field = what, Path(file), line, field
        place = f"{file}:{line}" if line is not None else str(file)
        super().__init__(f"{place}: {field}: {what}" if field else f"{place}: {what}")


class NothingCollected(EvalkitError):
    """No suite or no case is left to ask."""

    exit_code = 5


class BudgetReached(EvalkitError):
    """The next request could pass the cap on spending."""

    exit_code = 11


class StorageError(EvalkitError):
    """What was asked could not be written down."""

    exit_code = 4


@dataclass(eq=False)
class AskError(EvalkitError):
    """One request that got no answer.

    Attributes:
        type: a short stable word: `timeout`, `connection`, `rate_limit_exceeded`, `model_not_found`, ...
        message: what the server or the client said, without any key.
        status: the HTTP status, where there was one.
        retryable: whether the same request may succeed later.
        retry_after_s: seconds that the server asked to wait, where it did.
        possibly_billed: whether the server may have charged it all the same: it was sent, and neither a
            refusal nor a whole answer came.
        fatal: whether nothing that is sent there will be answered: a bad key, an empty account.
    """

    type: str
    message: str
    status: int | None = None
    retryable: bool = False
    retry_after_s: float | None = None
    possibly_billed: bool = False
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"
