"""A run on disk: its folder, run.json written first and whole, records.jsonl appended as answers come."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from evalkit.errors import StorageError, UsageError
from evalkit.jsontext import write_whole
from evalkit.run.appending import Appending
from evalkit.run.codec import Json, record_from_json
from evalkit.run.plan import mark
from evalkit.run.records import Record

try:
    import fcntl
except ImportError:  # Windows, where a folder cannot be locked
    fcntl = None  # type: ignore[assignment]

RUN, RECORDS, LATEST = "run.json", "records.jsonl", "latest"

SUPERSEDED = "superseded.jsonl"
"""Records of cases that were asked again since no answer had come, though one may have been charged. One may
stand there twice, where a run was killed as it began to go on."""


class RunFolder:
    """The one writer of a run's folder: a second one is refused for as long as this one is open.

    Args:
        folder: made by `create`, or that of a run to go on with.

    Raises:
        StorageError: something cannot be written. So do all methods that write.
        UsageError: another process is at work on this run.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.info: Json = read_info(folder)
        self._lock = locked(folder)
        self._records = self._opened()

    @classmethod
    def create(cls, out: Path, info: Mapping[str, Any]) -> RunFolder:
        """Make `<UTC time>-<short hash>` under `out` with its run.json, and point `latest` to it."""
        started = datetime.now(UTC)
        text = json.dumps([info, started.isoformat(), os.getpid()], sort_keys=True)
        short = hashlib.sha256(text.encode()).hexdigest()[:6]
        folder = out / f"{started:%Y%m%dT%H%M%SZ}-{short}"
        try:
            folder.mkdir(parents=True)
            write_whole(folder / RUN, {**info, "started": started.isoformat(timespec="seconds")})
            _point(out / LATEST, folder.name)
        except OSError as fault:
            raise _cannot_write(folder, fault) from fault
        return cls(folder)

    def append(self, lines: Sequence[bytes]) -> None:
        """Add records; once this returns a killed run keeps them (they are with the operating system)."""
        try:
            self._records.append(lines)
        except OSError as fault:
            raise _cannot_write(self.folder / RECORDS, fault) from fault

    def drop_unfinished(self) -> frozenset[int]:
        """Make a run ready to go on: a torn last line, and records of cases that could not be asked, are
        taken out, so that each case ends with exactly one record. Gives the marks of those that remain; those
        taken out that may have been charged go to SUPERSEDED.

        Raises:
            UsageError: the file is damaged.
        """
        part, superseded = self.folder / f"{RECORDS}.part", self.folder / SUPERSEDED
        try:
            with part.open("wb") as file, superseded.open("ab") as charged:
                done = _copy_finished(self.folder / RECORDS, file, charged)
                for written in (charged, file):
                    written.flush()
                    os.fsync(written.fileno())
            if not superseded.stat().st_size:
                superseded.unlink()
            part.replace(self.folder / RECORDS)
        except OSError as fault:
            raise _cannot_write(self.folder / RECORDS, fault) from fault
        self._records.close()
        self._records = self._opened()
        return done

    def inherit(self, folder: Path) -> None:
        """Take over what another run, whose answers these are, may have been charged without an answer."""
        if (folder / SUPERSEDED).exists():
            try:
                shutil.copyfile(folder / SUPERSEDED, self.folder / SUPERSEDED)
            except OSError as fault:
                raise _cannot_write(self.folder / SUPERSEDED, fault) from fault

    def _opened(self) -> Appending:
        try:
            return Appending(self.folder / RECORDS)
        except OSError as fault:
            raise _cannot_write(self.folder / RECORDS, fault) from fault

    def note(self, **changes: Any) -> None:
        """Change fields of run.json, whole."""
        self.info = {**self.info, **changes}
        try:
            write_whole(self.folder / RUN, self.info)
        except OSError as fault:
            raise _cannot_write(self.folder / RUN, fault) from fault

    def close(self) -> None:
        """Let go of the folder; what was appended is safe from a power cut too."""
        try:
            self._records.close()
        except OSError as fault:
            raise _cannot_write(self.folder / RECORDS, fault) from fault
        finally:
            os.close(self._lock)


def read_info(folder: Path) -> Json:
    """run.json of a run.

    Raises:
        UsageError: there is none, or it is damaged.
    """
    path = folder / RUN
    try:
        info = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as fault:
        raise UsageError(
            f"{folder}: no run there ({RUN} is missing); name a folder under reports/"
        ) from fault
    except (OSError, ValueError) as fault:
        raise UsageError(f"{path}: cannot be read: {fault}") from fault
    if not isinstance(info, dict):
        raise UsageError(f"{path}: found a {type(info).__name__} where an object was due")
    return info


def read_records(folder: Path) -> Iterator[Record]:
    """The records of a run, in the order of writing; a last line that was cut short is left out.

    Raises:
        UsageError: a line in the middle is damaged, or the file cannot be read.
    """
    path = folder / RECORDS
    for number, line in _whole_lines(path):
        with damaged(path, number):
            record = record_from_json(json.loads(line))
        yield record


def latest(out: Path) -> Path | None:
    """The newest run under `out`; None before the first."""
    pointer = out / LATEST
    if pointer.is_symlink() or pointer.is_dir():
        return pointer.resolve() if pointer.is_dir() else None
    if pointer.is_file():
        named = out / pointer.read_text("utf-8").strip()
        return named if named.is_dir() else None
    return None


def at_work(folder: Path) -> bool:
    """Whether another process is writing to a run's folder."""
    try:
        os.close(locked(folder))
    except UsageError:
        return True
    return False


def _whole_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Lines with their numbers from 1; the last only if it ends with a newline."""
    try:
        with path.open("rb") as file:
            yield from ((number, line) for number, line in enumerate(file, 1) if line.endswith(b"\n"))
    except FileNotFoundError:
        return
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from fault


class _Key(msgspec.Struct):
    """What `drop_unfinished` looks at; the rest of a record is skipped."""

    suite: str
    case: str
    variant: str
    repeat: int
    error: dict[str, Any] | None = None
    possibly_billed: int = 0


def _copy_finished(path: Path, file: BinaryIO, charged: BinaryIO) -> frozenset[int]:
    """Copy the records of cases that were answered, each case once; gives their marks. Those of cases that
    were not, yet may have been charged, go to the other file."""
    done: set[int] = set()
    for number, line in _whole_lines(path):
        with damaged(path, number):
            key = _key(line)
        place = mark((key.suite, key.case, key.variant, key.repeat))
        if key.error is None and place not in done:
            file.write(line)
            done.add(place)
        elif key.error is not None and key.possibly_billed:
            charged.write(line)
    return frozenset(done)


def _key(line: bytes) -> _Key:
    try:
        return _KEYS.decode(line)
    except msgspec.DecodeError:  # half of a surrogate pair, which the standard library takes
        return msgspec.convert(json.loads(line), _Key)


_KEYS = msgspec.json.Decoder(_Key)


@contextmanager
def damaged(path: Path, number: int) -> Iterator[None]:
    """Faults within are those of a line of records.jsonl that is no record."""
    try:
        yield
    except (ValueError, KeyError, TypeError, msgspec.MsgspecError) as fault:
        raise UsageError(f"{path}:{number}: damaged record ({fault!r}); delete the line") from fault


def locked(path: Path) -> int:
    """A handle on a folder or a file that keeps other writers out for as long as it is open.

    Raises:
        UsageError: another process is at work on it.
    """
    handle = os.open(path, os.O_RDONLY)
    if fcntl is not None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            os.close(handle)
            raise UsageError(f"{path}: another evalkit is at work on it; wait for it") from held
        except OSError:  # a network disk that has no locks
            pass
    return handle


def _point(pointer: Path, name: str) -> None:
    """Let `latest` lead to the run: a link, or a text file with its name where links cannot be made."""
    part = pointer.with_name(f"{pointer.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)  # of a process of the same number that was killed: in containers all have it
    try:
        part.symlink_to(name, target_is_directory=True)
    except OSError:
        part.write_text(f"{name}\n", "utf-8")
    part.replace(pointer)


def _cannot_write(path: Path, fault: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written ({fault.strerror or fault}); free space or make the folder writable "
        "and go on with --resume, or name another folder with --out"
    )
