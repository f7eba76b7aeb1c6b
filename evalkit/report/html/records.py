"""records.jsonl as the page needs it: a first pass that only notes places, then one case at a time."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

import msgspec

from evalkit.errors import UsageError
from evalkit.run.store import RECORDS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

T = TypeVar("T")

BUFFER_BYTES = 1 << 18

NO_FAILURE, FAILURE, CANDIDATES_FAILURE = range(3)
"""How much a record is worth showing where there is not room for all."""


class SeenError(msgspec.Struct, frozen=True, gc=False):
    """Why a case could not be asked."""

    type: str = ""
    message: str = ""


class SeenVerdict(msgspec.Struct, frozen=True, gc=False):
    """One check's verdict."""

    check: str
    passed: bool | None
    kind: str = ""
    score: float | None = None
    value: Any = None
    reason: str = ""


class SeenRequest(msgspec.Struct, frozen=True):
    """What was sent: a conversation, or a bare prompt."""

    messages: list[dict[str, Any]] = []
    prompt: Any = None


class SeenResponse(msgspec.Struct, frozen=True):
    """What came."""

    text: str | None = None
    tool_calls: list[Any] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    finish_reason: str | None = None


class SeenUsage(msgspec.Struct, frozen=True, gc=False):
    """Tokens as the server counted them."""

    prompt_tokens: float | None = None
    completion_tokens: float | None = None


class Seen(msgspec.Struct, frozen=True):
    """A record as the page shows it: members of the published shape, by their names, the others unread."""

    suite: str
    case: str
    variant: str
    repeat: int = 0
    request: SeenRequest = SeenRequest()
    response: SeenResponse | None = None
    verdicts: tuple[SeenVerdict, ...] = ()
    passed: bool | None = None
    usage: SeenUsage | None = None
    cost_usd: float | None = None
    latency_ms: float | None = None
    cached: bool = False
    error: SeenError | None = None


class _Place(msgspec.Struct, frozen=True, gc=False):
    """What the first pass needs of a record."""

    suite: str
    case: str
    variant: str
    passed: bool | None = None
    latency_ms: float | None = None
    cached: bool = False
    error: SeenError | None = None


_SEEN, _PLACE = msgspec.json.Decoder(Seen), msgspec.json.Decoder(_Place)


@dataclass(slots=True)
class Places:
    """Where each record stands in the file, in 21 bytes a record; and the latencies, in 8.

    Attributes:
        keys: a hash of suite and case. At 100,000 cases two share one once in 4 billion runs.
        offsets, lengths: of the line, in bytes.
        worth: NO_FAILURE, FAILURE or CANDIDATES_FAILURE.
        latency_ms: by variant, of answers that were not cached.
    """

    keys: array[int] = field(default_factory=lambda: array("q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    lengths: array[int] = field(default_factory=lambda: array("I"))
    worth: array[int] = field(default_factory=lambda: array("b"))
    latency_ms: dict[str, array[float]] = field(default_factory=dict)

    def add(self, place: _Place, candidate: str | None, offset: int, length: int) -> None:
        """Note one record; `candidate`: the variant whose failures matter most."""
        self.keys.append(hash((place.suite, place.case)))
        self.offsets.append(offset)
        self.lengths.append(length)
        failed = FAILURE if candidate != place.variant else CANDIDATES_FAILURE
        self.worth.append(NO_FAILURE if place.passed else failed)
        ms = math.nan if place.latency_ms is None else place.latency_ms
        if math.isfinite(ms) and not place.cached and place.error is None:
            self.latency_ms.setdefault(place.variant, array("d")).append(ms)


@dataclass(frozen=True, slots=True)
class Chosen:
    """The cases that the page shows.

    Attributes:
        spans: of their lines in the file, as (offset, length), case by case.
        sizes: how many lines each case has.
        total: of cases in the run.
    """

    spans: tuple[array[int], array[int]]
    sizes: array[int]
    total: int

    def __len__(self) -> int:
        """How many cases are shown."""
        return len(self.sizes)


def places(folder: Path, candidates: dict[str, str]) -> Places:
    """Go through all records once.

    Args:
        folder: the run's.
        candidates: variants by suite.

    Raises:
        UsageError: the file cannot be read, or a line is damaged.
    """
    found, offset, path = Places(), 0, folder / RECORDS
    if not path.exists():
        return found
    with _opened(path, BUFFER_BYTES) as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):  # cut short: the run is still writing it, or was killed
                break
            place = _decoded(line, _PLACE, f"{path}:{number}")
            found.add(place, candidates.get(place.suite), offset, len(line))
            offset += len(line)
    return found


def choose(found: Places, most_cases: int, most_bytes: int) -> Chosen:
    """The cases to show, in the order in which they were first asked.

    Where not all fit, those stay that the candidate failed, then those that another variant failed.

    Args:
        most_cases, most_bytes: of cases, and of their lines together.
    """
    import numpy as np

    if not found.keys:
        return Chosen((array("q"), array("I")), array("q"), 0)
    keys, lengths = np.frombuffer(found.keys, np.int64), np.frombuffer(found.lengths, np.uint32)
    order = np.argsort(keys, kind="stable")  # a case's records together, in the order of the file
    starts = np.flatnonzero(np.diff(keys[order], prepend=~keys[order[0]]))
    sizes = np.diff(starts, append=len(order))
    worth = np.maximum.reduceat(np.frombuffer(found.worth, np.int8)[order], starts)
    ranked = np.lexsort((order[starts], -worth))
    filled = np.cumsum(np.add.reduceat(lengths[order], starts, dtype=np.int64)[ranked])
    kept = ranked[: min(most_cases, int(np.searchsorted(filled, most_bytes, "right")))]
    kept = kept[np.argsort(order[starts[kept]])]
    lines = order[_ranges(starts[kept], sizes[kept])]
    offsets = np.frombuffer(found.offsets, np.int64)
    spans = (array("q", offsets[lines].tobytes()), array("I", lengths[lines].tobytes()))
    return Chosen(spans, array("q", sizes[kept].tobytes()), len(starts))


def _ranges(starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """[5, 20], [2, 3] -> [5, 6, 20, 21, 22]."""
    import numpy as np

    firsts = np.cumsum(sizes) - sizes
    return np.repeat(starts - firsts, sizes) + np.arange(sizes.sum())


def read_cases(folder: Path, chosen: Chosen) -> Iterator[list[Seen]]:
    """All records of each case; one case is in memory at a time.

    Raises:
        UsageError: the file cannot be read, or a line is damaged.
    """
    if not chosen:
        return
    path, lines = folder / RECORDS, zip(*chosen.spans, strict=True)
    with _opened(path, 0) as file:  # unbuffered: the next line wanted is rarely the next one there
        for size in chosen.sizes:
            yield [_seen(file, path, *span) for span in islice(lines, size)]


@contextmanager
def _opened(path: Path, buffering: int) -> Iterator[BinaryIO]:
    try:
        with path.open("rb", buffering) as file:
            yield file
    except OSError as fault:
        raise UsageError(f"{path}: cannot be read: {fault.strerror}") from fault


def _seen(file: BinaryIO, path: Path, offset: int, length: int) -> Seen:
    file.seek(offset)
    return _decoded(file.read(length), _SEEN, f"{path} at byte {offset}")


def _decoded(line: bytes, decoder: msgspec.json.Decoder[T], where: str) -> T:
    """By the standard library where msgspec cannot: it knows lone surrogates and NaN too."""
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    try:
        return msgspec.convert(json.loads(line), decoder.type)
    except (msgspec.MsgspecError, ValueError) as fault:
        raise UsageError(f"{where}: damaged record ({fault}); delete the line") from fault
