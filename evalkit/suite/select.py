"""Which suites, and which of their cases."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest
from pathlib import Path

from evalkit.errors import NothingCollected, UsageError
from evalkit.suite.expression import parse
from evalkit.suite.load import FILE
from evalkit.suite.model import Case, Suite
from evalkit.suite.stored import Chosen


@dataclass(frozen=True, slots=True)
class Selection:
    """What to keep.

    Attributes:
        keyword: `-k`, an expression over parts of the suite's name, the case's id and its tags; upper and
            lower case alike.
        tag: `-m`, an expression over whole tags.
        limit: at most so many cases a suite, drawn by the seed.
        seed: of the draw.
        upto: the same as `limit`, by suite name.
    """

    keyword: str | None = None
    tag: str | None = None
    limit: int | None = None
    seed: int = 0
    upto: Mapping[str, int] = field(default_factory=dict)


def find_suites(paths: Iterable[Path | str]) -> tuple[Path, ...]:
    """The folders of the suites that the paths mean: a suite's folder, its suite.yaml, or a folder of suites.

    Raises:
        UsageError: a path that does not exist, or two suites of the same name.
        NothingCollected: a folder without suites.
    """
    folders: dict[Path, Path] = {}
    for path in map(Path, paths):
        for folder in _suites_at(path):
            folders.setdefault(folder.resolve(), folder)
    names: dict[str, Path] = {}
    for resolved, folder in folders.items():
        if (other := names.setdefault(resolved.name, folder)) != folder:
            raise UsageError(f"two suites are called {resolved.name}: {other} and {folder}; rename a folder")
    return tuple(folders.values())


def select(suites: Sequence[Suite], selection: Selection) -> tuple[Suite, ...]:
    """The suites with the selected cases alone, in their order; suites of which nothing is left fall away.

    Raises:
        UsageError: an expression that cannot be read.
        NothingCollected: nothing is left.
    """
    if selection.limit is not None and selection.limit < 1:
        raise UsageError(f"--limit {selection.limit}: write a number of at least 1")
    keep = _filter(selection)
    kept = [replace(suite, cases=_chosen(suite, selection, keep)) for suite in suites]
    kept = [suite for suite in kept if suite.cases]
    if not kept:
        total = sum(len(suite.cases) for suite in suites)
        raise NothingCollected(
            f"none of {total} cases in {len(suites)} suites is selected; change -k, -m or the paths"
        )
    return tuple(kept)


def _suites_at(path: Path) -> Iterator[Path]:
    if not _exists(path):
        raise UsageError(f"{path} does not exist; name a suite's folder, its {FILE}, or a folder of suites")
    if path.is_file():
        if path.name != FILE:
            raise UsageError(f"{path} is no suite; name a file called {FILE}, or its folder")
        yield path.parent
        return
    found = [path] if (path / FILE).is_file() else sorted(file.parent for file in path.glob(f"*/{FILE}"))
    if not found:
        raise NothingCollected(f"no suite in {path}: neither {path / FILE} nor {path / '*' / FILE} is there")
    yield from found


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError) as error:
        raise UsageError(f"{str(path)[:200]!r} cannot be used: {error}") from error


def _filter(selection: Selection) -> Callable[[Suite, Case], bool]:
    keyword = parse(selection.keyword, "-k") if selection.keyword else None
    tag = parse(selection.tag, "-m") if selection.tag else None

    def keep(suite: Suite, case: Case) -> bool:
        names = [name.casefold() for name in (suite.name, case.id, *case.tags)]
        if keyword is not None and not keyword(lambda word: any(word.casefold() in name for name in names)):
            return False
        return tag is None or tag(lambda word: word in case.tags)

    return keep


def _chosen(suite: Suite, selection: Selection, keep: Callable[[Suite, Case], bool]) -> Sequence[Case]:
    limits = [most for most in (selection.limit, selection.upto.get(suite.name)) if most is not None]
    if not limits and selection.keyword is selection.tag is None:
        return suite.cases
    kept = [(_lot(selection.seed, case.id), i) for i, case in enumerate(suite.cases) if keep(suite, case)]
    if limits:
        kept = nsmallest(min(limits), kept)
    return Chosen(suite.cases, sorted(i for _, i in kept))


def _lot(seed: int, case_id: str) -> bytes:
    """A case's lot: its own, so that a further case changes the draw by one at most."""
    return hashlib.sha256(f"{seed}\0{case_id}".encode()).digest()
