"""Which cases of a suite stand in its training data: found before a run, kept in its run.json."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalkit.suite.model import Suite

Json = dict[str, Any]


def find_leaks(suites: Iterable[Suite], files: Mapping[str, Sequence[Path]]) -> dict[str, Json]:
    """For run.json: by suite, its leaked cases by id, each with what leaked, where to and how nearly.

    A suite without leaks is not named.

    Args:
        suites: with all their cases.
        files: what the models of each suite have learned from; where a case stands in two, the first counts.
    """
    searched = [suite for suite in suites if files.get(suite.name)]
    if not searched:
        return {}
    from evalkit.run.overlap import overlap  # loads numpy, which most runs do without

    found = {suite.name: overlap(suite, files[suite.name]) for suite in searched}
    return {suite: leaks for suite, leaks in found.items() if leaks["cases"]}


def leaked_cases(info: Mapping[str, Any]) -> dict[str, Collection[str]]:
    """The ids of the leaked cases by suite, from run.json."""
    return {suite: frozenset(found["cases"]) for suite, found in info.get("leaks", {}).items()}


def warnings(found: Mapping[str, Json], suites: Iterable[Suite]) -> Iterator[str]:
    """A line for each suite with leaks."""
    for suite in suites:
        if leaked := found.get(suite.name, {}).get("cases"):
            files = ", ".join(sorted({leak["train"] for leak in leaked.values()}))
            yield (
                f"{suite.name}: {len(leaked)} of {len(suite.cases)} cases stand in {files}, or nearly so; "
                "their pass rates are shown apart (evalkit dataset leaks shows them)"
            )
