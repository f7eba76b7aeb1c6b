"""A `checks:` list -> named checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from evalkit.checks import CHECKS, build, unknown_check
from evalkit.checks.fields import FieldError, FieldPath, fill, shown
from evalkit.suite.files import Folder
from evalkit.suite.model import NamedCheck
from evalkit.suite.shape import AroundCheck, CheckEntry

_AROUND = ("name", "kind", "weight")
_RESERVED = "whole"  # the check that a run puts every answer to, whether it is refused or cut off


def named_checks(
    entries: Sequence[CheckEntry], folder: Folder, taken: Iterable[str] = ()
) -> tuple[NamedCheck, ...]:
    """Build the checks of one list. One without a name is called after its kind: contains, contains_2, ...

    Args:
        entries: the list as written under `checks`.
        folder: where files that arguments name are read.
        taken: names that are in use already.

    Raises:
        FieldError: an entry that is no check; its path begins with `checks`.
    """
    names = {_RESERVED, *taken}
    checks = []
    for i, entry in enumerate(entries):
        check = _named_check(entry, folder, names, ("checks", i))
        names.add(check.name)
        checks.append(check)
    return tuple(checks)


def _named_check(entry: CheckEntry, folder: Folder, taken: set[str], path: FieldPath) -> NamedCheck:
    kind_of_check, argument, around = _parts(entry, path)
    argument = folder.with_texts(argument, (*path, kind_of_check))
    try:
        check = build(kind_of_check, argument)
        beside = fill(AroundCheck, around)
    except FieldError as error:
        raise error.under(*path) from error
    if beside.name in taken:
        raise FieldError(
            (*path, "name"), f"another check is called {beside.name} already; write another name"
        )
    name = beside.name or _free(kind_of_check, taken)
    return NamedCheck(name, beside.kind or check.default_kind, check, beside.weight)


def _parts(entry: CheckEntry, path: FieldPath) -> tuple[str, Any, Mapping[str, Any]]:
    """An entry's check, its argument, and what stands beside it."""
    if isinstance(entry, str):
        return entry, None, {}
    names = [key for key in entry if key not in _AROUND]
    if len(names) == 1:
        return names[0], entry[names[0]], {key: entry[key] for key in _AROUND if key in entry}
    if not names:
        raise FieldError(
            path, f"found {shown(entry)}, which names no check; write one of {', '.join(CHECKS)}"
        )
    for name in names:
        if name not in CHECKS:
            raise FieldError((*path, name), unknown_check(name))
    raise FieldError(path, f"found {' and '.join(names)} in one entry; write a list item (- ...) for each")


def _free(name: str, taken: set[str]) -> str:
    numbered = (f"{name}_{number}" for number in count(2))
    return name if name not in taken else next(free for free in numbered if free not in taken)
