"""evalkit.lock: the fine-tunes that `evalkit tune` made, so that `run` finds them again.

It lies beside evalkit.toml and is meant to be committed: JSON, `{"version": 1, "fine_tunes": [...]}`, an
entry a job with the fields of `LockedModel`; and `looks`, see `evalkit.config.looks`. It holds no key, and no
key is sent anywhere because of it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NoReturn

from evalkit.errors import InputError, StorageError
from evalkit.jsontext import write_whole

FILE_NAME = "evalkit.lock"
VERSION = 1
Document = dict[str, Any]
PATIENCE_S = 10.0
"""How long one writer waits for another."""

_REMEDY = "mend it, or take it back from version control; without it no fine-tune is lost, but none is found"


@dataclass(frozen=True, slots=True)
class LockedModel:
    """One fine-tune.

    Attributes:
        job: its id on the server.
        status: of the job when it was last looked at.
        model: the fine-tuned model's name; None until the job has succeeded.
        base: what was fine-tuned, as it was named.
        endpoint, base_url: where; the address of `local` is another each time, and is None.
        source: the suite's folder or the file, as it was named.
        prompt: the system message of a suite's lines: "short" as `ft` is sent it, "long" with --keep-prompt.
        data_sha256, validation_sha256: of the files as they were uploaded.
        systems: how many different system messages the examples have; having none counts as one.
        system, system_sha256: that message where all examples have the same; None where they have none.
        hyperparameters: as the server resolved them.
        created: UTC, ISO 8601.
        base_fingerprint: the hash of the base's weights, where the server tells it.
    """

    job: str
    status: str
    model: str | None
    base: str
    endpoint: str
    base_url: str | None
    source: str
    prompt: str
    data_sha256: str
    validation_sha256: str | None
    systems: int
    system: str | None
    system_sha256: str | None
    method: str
    seed: int | None
    created: str
    base_fingerprint: str | None = None
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def at(self, endpoint: str, base_url: str | None) -> bool:
        """Whether it was made at this endpoint; names may change, addresses count."""
        return self.endpoint == endpoint if self.base_url is None else self.base_url == base_url


_TEXT, _MAYBE = (str,), (str, type(None))
_TYPES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("job", "status", "base", "endpoint", "source", "prompt", "data_sha256"), _TEXT),
    **dict.fromkeys(("method", "created"), _TEXT),
    **dict.fromkeys(("model", "base_url", "validation_sha256", "system", "system_sha256"), _MAYBE),
    **dict.fromkeys(("base_fingerprint",), _MAYBE),
    "systems": (int,),
    "seed": (int, type(None)),
    "hyperparameters": (dict,),
}


def read_lock(folder: Path) -> tuple[LockedModel, ...]:
    """The entries of evalkit.lock in `folder`, oldest first; none where there is no such file.

    Raises:
        InputError: it cannot be read, or was written by another version of evalkit.
    """
    found = read_document(folder)["fine_tunes"]
    return tuple(_entry(folder / FILE_NAME, number, entry) for number, entry in enumerate(found))


def read_document(folder: Path) -> Document:
    """All that evalkit.lock holds; an empty one where there is no such file.

    Raises:
        InputError: it cannot be read, or was written by another version of evalkit.
    """
    path = folder / FILE_NAME
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {"version": VERSION, "fine_tunes": []}
    except json.JSONDecodeError as fault:
        raise InputError(f"not JSON: {fault.msg}; {_REMEDY}", file=path, line=fault.lineno) from fault
    except (OSError, ValueError, RecursionError) as fault:
        raise InputError(f"cannot be read: {fault}; {_REMEDY}", file=path) from fault
    if not isinstance(found, dict) or not isinstance(found.get("fine_tunes"), list):
        _fail(path, "fine_tunes", f"is no list; {_REMEDY}")
    if found.get("version") != VERSION:
        what = f"found {found.get('version')!r}, this evalkit reads {VERSION}; use the evalkit that wrote it"
        _fail(path, "version", what)
    return found


def keep(folder: Path, entry: LockedModel) -> None:
    """Add an entry, or replace that of the same job.

    Raises:
        InputError: evalkit.lock cannot be read; it is left as it is.
        StorageError: it cannot be written; it is left as it is.
    """
    _change(folder, lambda found: (*(each for each in found if not _same_job(each, entry)), entry))


def forget(folder: Path, model: str, endpoint: str, base_url: str | None) -> None:
    """Take out the entries of a model that was deleted.

    Raises:
        InputError, StorageError: as `keep`.
    """
    _change(
        folder,
        lambda found: tuple(e for e in found if not (e.model == model and e.at(endpoint, base_url))),
    )


def _change(folder: Path, change: Callable[[tuple[LockedModel, ...]], tuple[LockedModel, ...]]) -> None:
    """Change the fine-tunes."""

    def changed(document: Document) -> Document:
        after = change(read_lock(folder))
        return {**document, "fine_tunes": [asdict(entry) for entry in after]}

    change_document(folder, changed)


def change_document(folder: Path, change: Callable[[Document], Document]) -> None:
    """Read, change and write, with every other writer kept waiting: no entry is lost between them.

    Raises:
        InputError: evalkit.lock cannot be read; it is left as it is.
        StorageError: it cannot be written; it is left as it is.
    """
    try:
        with _alone(folder):
            before = read_document(folder)
            after = change(before)
            if after != before:
                write_whole(folder / FILE_NAME, after)
    except (OSError, sqlite3.Error) as fault:
        raise StorageError(
            f"{folder / FILE_NAME}: cannot be written ({fault}): make the folder writable, or wait for the "
            "other evalkit that is writing there"
        ) from fault


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One process at a time. SQLite's lock works on every system and is gone with its process."""
    state = folder / ".evalkit"
    state.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(state / "lock.sqlite", timeout=PATIENCE_S, isolation_level=None)) as db:
        db.execute("begin exclusive")
        yield
        db.execute("rollback")


def _same_job(one: LockedModel, other: LockedModel) -> bool:
    return one.job == other.job and one.at(other.endpoint, other.base_url)


def _entry(path: Path, number: int, entry: Any) -> LockedModel:
    at = f"fine_tunes[{number}]"
    if not isinstance(entry, dict):
        _fail(path, at, f"found {entry!r:.80}, an object was due; {_REMEDY}")
    known = {each.name for each in fields(LockedModel)}
    if odd := sorted(known ^ entry.keys()):
        _fail(path, f"{at}.{odd[0]}", f"is {'missing' if odd[0] in known else 'unknown'}; {_REMEDY}")
    for name, types in _TYPES.items():
        if not isinstance(entry[name], types) or isinstance(entry[name], bool):
            _fail(path, f"{at}.{name}", f"found {entry[name]!r:.80}; {_REMEDY}")
    return LockedModel(**entry)


def _fail(path: Path, place: str, what: str) -> NoReturn:
    raise InputError(what, file=path, field=place)
