"""Cases that have been used for training, taken out of what a suite holds out."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from io import BytesIO
from pathlib import Path

from evalkit.errors import InputError, StorageError
from evalkit.suite import yaml
from evalkit.suite.cases import read_keys, rows, to_case
from evalkit.suite.files import Folder
from evalkit.suite.load import FILE
from evalkit.suite.model import Suite

ASIDE = "taken-out"
"""`cases.jsonl` -> `cases.taken-out.jsonl`, which keeps the lines that were taken out."""


def cases_file(suite: Suite) -> Path:
    """The file from which cases can be taken out.

    Raises:
        InputError: the cases do not stand in a JSONL file of their own.
    """
    folder = Folder(suite.folder)
    named = yaml.read(suite.folder / FILE, folder.bytes(suite.folder / FILE)).data["cases"]
    if not isinstance(named, str):
        what = "the cases stand in this file; to have some taken out, put all into cases.jsonl"
        raise InputError(what, file=suite.folder / FILE, field="cases")
    if not named.endswith(".jsonl"):
        what = f"found {named}; to have some taken out, put all into cases.jsonl, one JSON object a line"
        raise InputError(what, file=suite.folder / FILE, field="cases")
    return (suite.folder / named).resolve()


def take_out(file: Path, ids: Collection[str]) -> tuple[int, Path]:
    """Move lines of a file of cases to the file beside it that keeps them, byte for byte.

    They are added there before they leave here: interrupted between the two, they stand in both.

    Args:
        file: see `cases_file`.
        ids: of the cases.

    Returns:
        How many were moved, and the file that keeps them.

    Raises:
        InputError: no case would be left, or the file cannot be read.
        StorageError: something cannot be written; the cases are all still there.
    """
    data = Folder(file.parent).bytes(file)
    taken = {row.line() for row in rows(file, data) if to_case(read_keys(row), ()).id in ids}
    lines = list(enumerate(BytesIO(data), start=1))
    kept = [line for number, line in lines if number not in taken]
    if not any(line.strip() for line in kept):
        raise InputError("no case would be left; write others first, to measure on", file=file)
    aside = file.with_name(f"{file.stem}.{ASIDE}{file.suffix}")
    try:
        _append(aside, [line for number, line in lines if number in taken])
        _replace(file, kept)
    except OSError as fault:
        raise StorageError(f"{fault.filename}: cannot be written ({fault.strerror})") from fault
    return len(taken), aside


def _append(file: Path, lines: Iterable[bytes]) -> None:
    with file.open("ab") as stream:
        stream.writelines(line if line.endswith(b"\n") else line + b"\n" for line in lines)
        stream.flush()
        os.fsync(stream.fileno())


def _replace(file: Path, lines: Iterable[bytes]) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with part.open("wb") as stream:
        stream.writelines(lines)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(file)
