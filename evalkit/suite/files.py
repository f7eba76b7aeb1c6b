"""The files of a suite: read whole, only from inside its folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evalkit.checks.base import FileText
from evalkit.checks.fields import FieldError, FieldPath, shown
from evalkit.errors import InputError

ENDINGS = (".md", ".txt", ".json", ".jsonl", ".csv")
Line = bytes  # Folder has a method of that name

MAX_BYTES = 64 * 1024 * 1024


def is_file_name(value: object) -> bool:
    """Whether a text of suite.yaml means a file: one word with one of the ENDINGS."""
    return (
        isinstance(value, str)
        and value.endswith(ENDINGS)
        and len(value.split()) == 1
        and value == value.strip()
    )


@dataclass(slots=True)
class Folder:
    """A suite's folder. It remembers what was read, so that the suite can be told from a changed one."""

    root: Path
    hashes: dict[str, str] = field(default_factory=dict)

    def find(self, name: str, path: FieldPath) -> Path:
        """A file of the folder by its name; `path` is the field that named it.

        Raises:
            FieldError: it is not there, no regular file, or outside (symbolic links are followed first).
        """
        if Path(name).is_absolute():
            raise FieldError(path, f"found {shown(name)}; write a name relative to {self.root}")
        try:
            file = (self.root / name).resolve()
            there = file.exists()
        except (OSError, ValueError, RuntimeError) as error:
            raise FieldError(path, f"found {shown(name)}: {error}") from error
        if not file.is_relative_to(self.root.resolve()):
            raise FieldError(path, f"{name} lies outside the suite's folder; copy the file into {self.root}")
        if not there:
            raise FieldError(
                path, f"the file {name} is not in {self.root}; write the file, or text of more than one word"
            )
        if not file.is_file():
            raise FieldError(path, f"{name} is no regular file")
        return self.root / name

    def bytes(self, file: Path) -> bytes:
        """A file's bytes, remembered.

        Raises:
            InputError: it cannot be read, or is larger than MAX_BYTES.
        """
        try:
            with file.open("rb") as stream:
                large = os.fstat(stream.fileno()).st_size > MAX_BYTES
                data = b"" if large else stream.read()
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=file) from error
        if large:
            raise InputError(f"is larger than {MAX_BYTES:,} bytes; split it into several suites", file=file)
        self._remember(file, hashlib.sha256(data).hexdigest())
        return data

    def lines(self, file: Path) -> Iterator[Line]:
        """A file's lines with their line ends, one at a time, remembered once all have been read.

        Raises:
            InputError: it cannot be read.
        """
        digest = hashlib.sha256()
        try:
            with file.open("rb") as stream:
                for line in stream:
                    digest.update(line)
                    yield line
        except OSError as error:
            raise InputError(f"cannot be read: {error.strerror}", file=file) from error
        self._remember(file, digest.hexdigest())

    def text(self, name: str, path: FieldPath) -> FileText:
        """A file's text, the line break at its end left out."""
        file = self.find(name, path)
        return FileText(decoded(file, self.bytes(file)).rstrip("\n"), file)

    def with_texts(self, value: Any, path: FieldPath, depth: int = 2) -> Any:
        """The value with file names replaced by the files' texts: itself, its items, those of its lists."""
        if is_file_name(value):
            return self.text(value, path)
        if isinstance(value, Mapping) and depth == 2:
            return {key: self.with_texts(item, (*path, key), 1) for key, item in value.items()}
        if isinstance(value, list) and depth:
            return [self.with_texts(item, (*path, i), 0) for i, item in enumerate(value)]
        return value

    def sha256(self) -> str:
        """Over the names and contents of all that was read."""
        lines = "".join(f"{name}\0{digest}\n" for name, digest in sorted(self.hashes.items()))
        return hashlib.sha256(lines.encode()).hexdigest()

    def _remember(self, file: Path, digest: str) -> None:
        self.hashes[file.relative_to(self.root).as_posix()] = digest


def decoded(file: Path, data: bytes, first_line: int = 1) -> str:
    """The text of a UTF-8 file, with or without a byte order mark, its line breaks as \\n.

    Args:
        file: for messages.
        data: all of it, or what stands from `first_line` on.
        first_line: counted from 1.

    Raises:
        InputError: it is not UTF-8; with the line and the byte.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + first_line
        what = f"found the byte 0x{data[error.start]:02x}, which is no UTF-8; save the file as UTF-8"
        raise InputError(what, file=file, line=line) from error
    text = text.removeprefix("\ufeff") if first_line == 1 else text
    return text.replace("\r\n", "\n")
